//! Opens a link with the system's program for that.

use std::process::{Command, Stdio};

use url::Url;

use crate::{
    faces::markup,
    failure::{Exit, Failure},
};

/// The program, and what it wants before the link.
#[cfg(target_os = "macos")]
const PROGRAM: (&str, &[&str]) = ("open", &[]);
#[cfg(windows)]
const PROGRAM: (&str, &[&str]) = ("rundll32", &["url.dll,FileProtocolHandler"]);
#[cfg(not(any(target_os = "macos", windows)))]
const PROGRAM: (&str, &[&str]) = ("xdg-open", &[]);

/// Opens a link of the web, in a program of its own: no shell reads it. Nothing else is ever opened, for what a link of
/// another kind starts is unknown here.
///
/// # Errors
/// [`Failure`] when it is no such link, or the program cannot be started.
pub(super) fn open(link: &str) -> Result<(), Failure> {
    let bad = || Failure::usage("That is no link that a browser opens.", "Copy it (c), and look at it.");
    let url = Url::parse(link).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || markup::has_userinfo(link) {
        return Err(bad());
    }
    let (program, before) = PROGRAM;
    let wrong = |error: std::io::Error| {
        let message = format!("The link cannot be opened: {program}: {error}.");
        Failure::new(Exit::Local, "open", message, "Copy it (c), and give it to a browser.")
    };
    let mut process = Command::new(program);
    process.args(before).arg(url.as_str());
    // The terminal is ours: a browser that runs in one cannot have it.
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = process.spawn().map_err(wrong)?;
    // A thread, because waiting blocks; without it the program would stay a zombie until our end.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_link_of_the_web_is_not_opened() {
        for link in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "schat://h:1/#x",
            "-h",
            "--help https://a.example/",
            "ssh://h",
            "https://bank.example@evil.example/",
            "",
        ] {
            assert_eq!(open(link).unwrap_err().code, "usage", "{link}");
        }
    }
}
