//! What must hold in every state.

pub(crate) mod cases;
mod progress;
mod relay;
mod safety;

use stateright::Property;

use super::world::World;

/// Of a world: what must hold always, and what must happen in it.
pub(crate) fn of(world: &World) -> Vec<Property<World>> {
    let cases = world.cases.iter().map(|(name, is_so)| Property::sometimes(name, *is_so));
    always().into_iter().chain(cases).collect()
}

fn always() -> Vec<Property<World>> {
    vec![
        Property::always("no step does what no step may", safety::nothing_is_at_fault),
        Property::always(
            "rubbish is not confirmed by one member and a link",
            safety::one_member_confirms_nothing,
        ),
        Property::always("who was removed is not back without a majority", safety::removed_stays_out),
        Property::always("an honest member in good standing goes on", progress::honest_goes_on),
        Property::always("whoever replaces its own offer gains no time", progress::replacing_gains_no_time),
        Property::always("who is out comes back", progress::stranded_comes_back),
        Property::always("a majority gets its room back", progress::majority_gets_back),
        Property::always("a joiner gets round what is of no use", progress::joiner_gets_in),
        Property::always("what is late passes nothing by", relay::what_is_late_is_refused),
        Property::always("nobody gives another member's word", relay::words_are_ones_own),
        Property::always("a vote is for one commit", relay::votes_are_for_one_commit),
        Property::always("commits stand where they say", relay::commits_stand_where_they_say),
        Property::always("slots are kept as long as they are needed", relay::slots_are_kept),
        Property::always("rows and counts agree", relay::counts_agree),
        Property::always("a snapshot is the room", relay::snapshot_is_the_room),
    ]
}
