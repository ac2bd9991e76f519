use super::*;

fn theme(name: ThemeName, changed: &Colours, variables: &[(&str, &str)]) -> Theme {
    Theme::chosen(name, changed, |wanted| {
        variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
    })
}

const MANY: (&str, &str) = ("TERM", "xterm-256color");

#[test]
fn no_color_wins_over_the_settings() {
    let changed = Colours { alarm: Some(Colour::Rgb(255, 0, 0)), ..Colours::default() };
    let alarm = |name, variables: &[_]| theme(name, &changed, variables).alarm();
    assert_eq!(alarm(ThemeName::Dark, &[MANY]).fg, Some(Color::Rgb(255, 0, 0)));
    assert_eq!(alarm(ThemeName::Dark, &[MANY, ("NO_COLOR", "1")]).fg, None);
    assert_eq!(alarm(ThemeName::Dark, &[MANY, ("NO_COLOR", "")]).fg, Some(Color::Rgb(255, 0, 0)));
    assert_eq!(alarm(ThemeName::Plain, &[MANY]).fg, None);
    assert!(alarm(ThemeName::Plain, &[MANY]).add_modifier.contains(Modifier::BOLD));
}

#[test]
fn terminal_without_colours_gets_none_whatever_is_wished() {
    let changed = Colours { alarm: Some(Colour::Rgb(255, 0, 0)), ..Colours::default() };
    for term in ["vt100", "vt220", "xterm-mono", "linux-m"] {
        assert_eq!(theme(ThemeName::Dark, &changed, &[("TERM", term)]).alarm().fg, None, "{term}");
    }
}

#[test]
fn what_is_not_changed_is_the_themes() {
    let changed = Colours { selected: Some(Colour::Indexed(6)), ..Colours::default() };
    let theme = theme(ThemeName::Light, &changed, &[MANY]);
    assert_eq!(theme.quiet().fg, Some(Color::Indexed(242)));
    assert_eq!(theme.selected().fg, Some(Color::Indexed(6)));
}

#[test]
fn terminal_says_what_it_has_and_the_settings_what_is_meant() {
    let link = |name, variables: &[_]| theme(name, &Colours::default(), variables).look(Look::Link).fg;
    let (light, dark) = (("COLORFGBG", "0;15"), ("COLORFGBG", "15;0"));
    for (name, variables, wanted) in [
        (ThemeName::Auto, &[MANY][..], ON_EITHER),
        (ThemeName::Auto, &[MANY, dark], ON_DARK),
        (ThemeName::Auto, &[MANY, light], ON_LIGHT),
        (ThemeName::Dark, &[MANY, light], ON_DARK),
        (ThemeName::Auto, &[("TERM", "xterm")], SIXTEEN_ON_EITHER),
        (ThemeName::Auto, &[("TERM", "linux"), light], SIXTEEN_ON_LIGHT),
        (ThemeName::Dark, &[("TERM", "screen")], SIXTEEN_ON_DARK),
        (ThemeName::Auto, &[("TERM", "wsvt25"), dark], EIGHT_ON_DARK),
        (ThemeName::Light, &[("TERM", "xterm-color")], EIGHT_ON_LIGHT),
        (ThemeName::Auto, &[("TERM", "ansi")], EIGHT_ON_EITHER),
    ] {
        assert_eq!(link(name, variables), Some(wanted.link), "{name:?} {variables:?}");
    }
}

/// Red, green and blue of the first sixteen, in xterm and in the console of Linux, which has those of VGA.
const XTERM: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];
const VGA: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (170, 0, 0),
    (0, 170, 0),
    (170, 85, 0),
    (0, 0, 170),
    (170, 0, 170),
    (0, 170, 170),
    (170, 170, 170),
    (85, 85, 85),
    (255, 85, 85),
    (85, 255, 85),
    (255, 255, 85),
    (85, 85, 255),
    (255, 85, 255),
    (85, 255, 255),
    (255, 255, 255),
];

/// What an entry of the table looks like.
fn rgb(index: u8, first: &[(u8, u8, u8); 16]) -> (u8, u8, u8) {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |by: u8| STEPS[usize::from((index - 16) / by % 6)];
    match index {
        0..16 => first[usize::from(index)],
        16..232 => (step(36), step(6), step(1)),
        _ => (8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232)),
    }
}

/// How far two colours are apart, by WCAG 2.1: 1 to 21.
fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.039_28 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let light = |(red, green, blue)| 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue) + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn everything_can_be_read_on_the_ground_that_it_is_for() {
    let (black, white) = ((0, 0, 0), (255, 255, 255));
    // What WCAG asks of usual text, and of large and bold text; nobody can choose better from what sixteen there are.
    let table: [(&Palette, &[_], f64, f64); 9] = [
        (&ON_DARK, &[black], 4.5, 4.5),
        (&ON_LIGHT, &[white], 4.5, 4.5),
        (&ON_EITHER, &[black, white], 4.0, 4.0),
        (&SIXTEEN_ON_DARK, &[black], 4.0, 4.5),
        (&SIXTEEN_ON_LIGHT, &[white], 3.0, 4.5),
        (&SIXTEEN_ON_EITHER, &[black, white], 3.0, 3.0),
        (&EIGHT_ON_DARK, &[black], 2.7, 4.5),
        (&EIGHT_ON_LIGHT, &[white], 4.4, 4.4),
        (&EIGHT_ON_EITHER, &[black, white], 2.7, 3.0),
    ];
    for (nth, (palette, grounds, bold, usual)) in table.into_iter().enumerate() {
        let is_bold =
            palette.senders.iter().chain([&palette.mention, &palette.alarm]).map(|colour| (colour, bold));
        let others = [&palette.quiet, &palette.link, &palette.code].map(|colour| (colour, usual));
        for (colour, least) in is_bold.chain(others) {
            let Color::Indexed(index) = colour else { continue };
            for first in [&XTERM, &VGA] {
                for ground in grounds {
                    let found = contrast(rgb(*index, first), *ground);
                    assert!(found >= least, "palette {nth}: {index} on {ground:?} is {found:.2}");
                }
            }
        }
    }
}
