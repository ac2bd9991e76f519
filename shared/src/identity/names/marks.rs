//! Characters that show nothing, and where they are needed all the same.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, ExtendedPictographic, GeneralCategory,
        IndicSyllabicCategory, JoiningType, Script, UnifiedIdeograph,
    },
};

/// How many characters around a joiner are looked at: no word has as many marks on a letter, and a text of nothing but
/// marks must not cost its length squared.
const NEAR: usize = 16;

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';

/// Flags of England, Scotland and Wales (UTS #51, ED-14a): all of this kind that are in use.
const TAGGED_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Shows nothing of itself, or not where it stands: controls, Default_Ignorable_Code_Point, breaks of a line, and
/// what Unicode does not list there and fonts leave blank all the same.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        // Blank Braille, interlinear annotations, an object that is not there, a Khitan filler, a note without a head.
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{16fe4}' | '\u{1d159}')
        || is_noncharacter(c)
}

/// The hidden character at `at` does there what it is for: a joiner by the rules of UAX #31, 2.3.1, or inside an emoji; a
/// variation selector after what has variants.
pub fn is_needed(chars: &[char], at: usize) -> bool {
    let Some((before, [c, after @ ..])) = chars.split_at_checked(at) else { return false };
    let before = before.get(before.len().saturating_sub(NEAR)..).unwrap_or(before);
    let after = after.get(..NEAR).unwrap_or(after);
    match *c {
        NON_JOINER => breaks_a_join(before, after) || follows_a_virama(before) && starts_with_letter(after),
        JOINER => joins_pictures(before, after) || joins_letters(before, after),
        '\u{fe0e}' | '\u{fe0f}' => has_presentations(before, after),
        // Mongolian letters have up to four forms, and a separator before a last vowel.
        '\u{180b}'..='\u{180d}' | '\u{180f}' => before.last().copied().is_some_and(is_mongolian),
        '\u{180e}' => {
            before.last().copied().is_some_and(is_mongolian)
                && after.first().copied().is_some_and(is_mongolian)
        }
        // Variants of an ideograph: 葛󠄀城 is a family's name.
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            before.last().copied().is_some_and(|c| CodePointSetData::new::<UnifiedIdeograph>().contains(c))
        }
        '\u{e0020}'..='\u{e007f}' => is_flag(before, *c, after),
        _ => false,
    }
}

/// Context A1: between letters that would join.
fn breaks_a_join(before: &[char], after: &[char]) -> bool {
    let joins = |c: &&char| joining(**c) != JoiningType::Transparent;
    let left = before.iter().rev().find(joins).map(|c| joining(*c));
    let right = after.iter().find(joins).map(|c| joining(*c));
    matches!(left, Some(JoiningType::DualJoining | JoiningType::LeftJoining))
        && matches!(right, Some(JoiningType::DualJoining | JoiningType::RightJoining))
}

/// What contexts A2 and B ask of the left side: a letter, a virama, and no more than marks beside it.
fn follows_a_virama(before: &[char]) -> bool {
    let mut back = before.iter().rev().copied().skip_while(|c| {
        is_nonspacing(*c)
            && !matches!(class(*c), CanonicalCombiningClass::Virama | CanonicalCombiningClass::NotReordered)
    });
    back.next().is_some_and(|c| class(c) == CanonicalCombiningClass::Virama)
        && back.find(|c| !is_nonspacing(*c)).is_some_and(is_letter)
}

/// The rest of context A2: after marks, a letter.
fn starts_with_letter(after: &[char]) -> bool {
    after
        .iter()
        .copied()
        .find(|c| !is_nonspacing(*c) || class(*c) == CanonicalCombiningClass::NotReordered)
        .is_some_and(is_letter)
}

/// Context B; and Bengali র‍্য, which is written with the joiner before the virama.
fn joins_letters(before: &[char], after: &[char]) -> bool {
    let vowel = |c: &char| {
        CodePointMapData::<IndicSyllabicCategory>::new().get(*c) == IndicSyllabicCategory::VowelDependent
    };
    let reversed = before.last() == Some(&'র') && matches!(after, ['\u{9cd}', next, ..] if is_letter(*next));
    reversed || follows_a_virama(before) && !after.first().is_some_and(vowel)
}

/// UAX #29, GB11: between two pictures, the first with its variant and the tone of its skin.
fn joins_pictures(before: &[char], after: &[char]) -> bool {
    let dressed = |c: &&char| matches!(**c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let picture = before.iter().rev().find(|c| !dressed(c)).or(before.first());
    let (Some(left), Some(right)) = (picture, after.first()) else { return false };
    let bare = before.iter().rev().take_while(|c| dressed(c)).count() <= 2;
    bare && is_picture(*left) && is_picture(*right)
}

/// A sign that is shown as text or as a picture, or a digit in its keycap.
fn has_presentations(before: &[char], after: &[char]) -> bool {
    match before.last() {
        Some('0'..='9' | '#' | '*') => after.first() == Some(&'\u{20e3}'),
        Some(c) => is_picture(*c) || ('\u{1f3fb}'..='\u{1f3ff}').contains(c),
        None => false,
    }
}

/// Whether this tag is a part of one of [`TAGGED_FLAGS`], whole and in order.
fn is_flag(before: &[char], tag: char, after: &[char]) -> bool {
    let letter = |c: char| char::from_u32(u32::from(c).wrapping_sub(0xe0000)).unwrap_or(c);
    let is_tag = |c: &&char| ('\u{e0020}'..='\u{e007f}').contains(*c);
    let here = before.iter().rev().take_while(is_tag).count();
    let (rest, tags) = before.split_at(before.len() - here);
    let spelled: String =
        tags.iter().chain([&tag]).chain(after.iter().take_while(is_tag)).map(|c| letter(*c)).collect();
    rest.last() == Some(&'\u{1f3f4}')
        && spelled.strip_suffix('\u{7f}').is_some_and(|flag| TAGGED_FLAGS.contains(&flag))
}

/// Something that one sees: letters, numbers, punctuation, signs. A space, a mark, and what no font has to know are none.
pub(super) fn is_visible(c: char) -> bool {
    use GeneralCategory as G;
    !is_hidden(c)
        && !matches!(
            category(c),
            G::Unassigned
                | G::PrivateUse
                | G::Surrogate
                | G::Control
                | G::Format
                | G::SpaceSeparator
                | G::LineSeparator
                | G::ParagraphSeparator
                | G::NonspacingMark
                | G::EnclosingMark
                | G::SpacingMark
        )
}

pub(super) fn is_mark(c: char) -> bool {
    matches!(
        category(c),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark
    )
}

pub(super) fn is_unassigned(c: char) -> bool {
    category(c) == GeneralCategory::Unassigned
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

fn is_letter(c: char) -> bool {
    use GeneralCategory as G;
    matches!(
        category(c),
        G::UppercaseLetter | G::LowercaseLetter | G::TitlecaseLetter | G::ModifierLetter | G::OtherLetter
    )
}

fn is_nonspacing(c: char) -> bool {
    category(c) == GeneralCategory::NonspacingMark
}

fn is_mongolian(c: char) -> bool {
    is_letter(c) && CodePointMapData::<Script>::new().get(c) == Script::Mongolian
}

fn is_picture(c: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn class(c: char) -> CanonicalCombiningClass {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c)
}

fn joining(c: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(c)
}
