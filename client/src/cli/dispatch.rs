//! Who answers what is asked.

use clap::CommandFactory as _;

#[cfg(not(feature = "manual"))]
use super::lean::{self, man};
#[cfg(feature = "manual")]
use super::man;
use super::{
    Cli, CliCommand, archive, chat, config, daemon, demo, devices, file, forget, host, info, link, lock,
    once, stream, tail, verify,
};
use crate::{
    faces::{lines::Limits, words},
    failure::{Exit, Failure},
    store::Cursor,
};

pub(super) async fn dispatch(mut cli: Cli) -> Result<Exit, Failure> {
    if cli.command.as_ref().is_none_or(CliCommand::heeds_settings) {
        cli.globals.settings = config::settings(&cli.globals)?;
    }
    let globals = &cli.globals;
    if cli.link.is_some() && cli.command.is_some() {
        return Err(words::command::program::link_and_command());
    }
    match cli.command {
        None => chat::chat(globals, cli.link).await,
        Some(CliCommand::Host { room, listen, advertise }) => {
            host::host(globals, &room, listen, advertise).await
        }
        Some(CliCommand::Daemon { command }) => daemon::daemon(globals, command).await,
        Some(CliCommand::Demo) => demo::demo().await,
        Some(CliCommand::Send { room, text, files, patience }) if !files.is_empty() => {
            let sent = file::Sent { paths: files, text, keeps_metadata: false, voice: file::Voice::None };
            file::send(globals, &room, &sent, patience).await
        }
        Some(CliCommand::Send { room, text, patience, .. }) if text == "-" => {
            stream::stream(globals, &room, patience).await
        }
        Some(CliCommand::Send { room, text, patience, .. }) => {
            once::send(globals, &room, text, patience).await
        }
        Some(CliCommand::Tail { room, from, ack, cursor }) => {
            let start = match ack {
                Some(when) => tail::Begin::Acked(Cursor::named(cursor.as_deref())?, when),
                None => from.map_or(tail::Begin::Last, tail::Begin::From),
            };
            tail::tail(globals, &room, start).await
        }
        Some(CliCommand::Invite { room, uses, expires, patience }) => {
            once::invite(globals, &room, &Limits { uses, lives_s: expires }, patience).await
        }
        Some(CliCommand::Link { code, history, cancel, anew }) => {
            let how = link::How { cancel, anew };
            link::link(globals, code, history.unwrap_or_default(), how).await
        }
        Some(CliCommand::Rooms { id, all }) => once::rooms(globals, id, all).await,
        Some(CliCommand::Forget { room, yes }) => forget::forget(globals, &room, yes).await,
        Some(CliCommand::Info { room }) => info::info(globals, &room).await,
        Some(CliCommand::Devices { command }) => devices::devices(globals, command).await,
        Some(CliCommand::Fingerprint) => once::fingerprint(globals).await,
        Some(CliCommand::Verify { room, member, yes, undo }) => {
            let mark = match (yes, undo) {
                (true, _) => verify::Mark::Set,
                (_, true) => verify::Mark::Undo,
                _ => verify::Mark::Keep,
            };
            verify::verify(globals, &room, &member, mark).await
        }
        Some(CliCommand::File(command)) => command.run(globals).await,
        Some(CliCommand::Search { words, room, from, limit }) => {
            let (room, from) = (room.as_deref(), from.as_deref());
            archive::search(globals, &archive::Wanted { words: &words, room, from, limit }).await
        }
        Some(CliCommand::Export { room, format, output, force, files }) => {
            let usual = if globals.json { archive::Format::Json } else { archive::Format::Text };
            let target = archive::Target { format: format.unwrap_or(usual), output, force };
            let done = archive::export(globals, &room, &target).await;
            match (done, files) {
                (Ok(Exit::Ok), Some(directory)) => file::fetch_all(globals, &room, &directory).await,
                (done, _) => done,
            }
        }
        Some(CliCommand::Lock(command)) => command.run(globals),
        Some(CliCommand::Unlock) => lock::unlock(globals),
        Some(CliCommand::Backup(command)) => command.run(globals),
        Some(CliCommand::Restore(command)) => command.run(globals).await,
        Some(CliCommand::Config(command)) => command.run(globals),
        #[cfg(not(feature = "manual"))]
        Some(CliCommand::Completions { shell: _ }) => Err(lean::without("completions", "")),
        #[cfg(feature = "manual")]
        Some(CliCommand::Completions { shell }) => {
            // Into memory first: the generator panics where it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "schat", &mut script);
            crate::faces::stdout::all(&script);
            Ok(Exit::Ok)
        }
        Some(CliCommand::Man { directory }) => man::man(&Cli::command(), directory.as_deref()),
    }
}
