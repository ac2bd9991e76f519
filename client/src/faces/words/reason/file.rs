//! Of files on their way.

use proto::relay::refused::Limit;

use crate::reason::{Bound, FileFault, FileReason, Forgery, Lie};

/// What happened, and what to do.
pub(super) fn words(reason: &FileReason) -> (String, String) {
    let (message, remedy) = match reason {
        FileReason::Dishonest(lie) => (
            format!("The relay {}. What it sent of the file was not taken.", self::lie(*lie)),
            "Ask for the file again, or ask its sender.",
        ),
        FileReason::Forged(forgery) => (
            format!(
                "The file is not what its sender announced: {}. Nothing of it was kept.",
                self::forgery(forgery)
            ),
            "Ask its sender.",
        ),
        FileReason::DiskFull(path) => (
            format!("There is no space left for {}.", path.display()),
            "Free some space, then resume it: what is there is kept.",
        ),
        FileReason::Missing(path) => (
            format!("There is no file {}.", path.display()),
            "Put it back and resume, or cancel the transfer.",
        ),
        FileReason::Unusable(path, fault) => (
            format!("{} could not be read or written: {}.", path.display(), self::fault(fault)),
            "See to it, then resume the transfer.",
        ),
        FileReason::NoSource(path) => {
            (format!("There is no file {}.", path.display()), "Look at how it is written.")
        }
        FileReason::Unsendable(path, fault) => (
            format!("{} cannot be sent: {}.", path.display(), self::fault(fault)),
            "Name another file, or see to this one first.",
        ),
        FileReason::Anew { is_changed } => {
            let message = match is_changed {
                true => "The file was changed while it was being sent.",
                false => "What the relay has of the file is not what is here.",
            };
            (message.to_owned(), "All of it is sent anew; nothing is to be done.")
        }
        FileReason::LostThere => (
            "The relay does not have all any more that was sent of the file.".to_owned(),
            "The rest is sent again; nothing is to be done.",
        ),
        FileReason::LostHere => (
            "Of what was here of the file some is gone or damaged.".to_owned(),
            "It is fetched again; nothing is to be done.",
        ),
        FileReason::RoomLeft => {
            ("You are not in its room any more.".to_owned(), "Come back to the room, then begin it anew.")
        }
        FileReason::AskerGone => (
            "The command that fetched it has ended.".to_owned(),
            "Give the command again: it goes on from what is there.",
        ),
        FileReason::Exists(path) => (
            format!("There is something called {} already.", path.display()),
            "Choose another name; nothing is overwritten.",
        ),
        FileReason::TooLarge(name) => {
            (format!("The file {name} is larger than 32 GiB."), "Send it in pieces.")
        }
        FileReason::NoDownloads => (
            "There is no directory for downloads.".to_owned(),
            "Name one: `downloads` in config.toml, or with --output.",
        ),
        FileReason::NoMessage => ("There is no such message here.".to_owned(), "See schat file list."),
        FileReason::NoFile => ("No file came with that message.".to_owned(), "See schat file list."),
        FileReason::Unknown(number) => (
            format!("No file of number {number} is under way."),
            "/files and `schat file transfers` list those that are.",
        ),
        FileReason::Busy(bound) => {
            let (limit, raised) = self::bound(*bound, "It goes on by itself");
            return (format!("The relay takes no more for now: {limit}."), raised);
        }
        FileReason::NoSpace(bound) => {
            let (limit, raised) = self::bound(*bound, "Resume it when files there are deleted or expired");
            return (format!("The relay has no space for the file: {limit}."), raised);
        }
        FileReason::LargeThere(bound) => {
            let (limit, raised) = self::bound(*bound, "Send it in pieces");
            return (format!("The file is too large for the relay: {limit}."), raised);
        }
        FileReason::NotThere => (
            "The relay does not have the file any more, or not all of it yet.".to_owned(),
            "Ask its sender to send it again.",
        ),
        FileReason::Frozen => {
            ("The relay's operator has frozen the room: it takes no files.".to_owned(), "Ask the operator.")
        }
        FileReason::NotAllowed => (
            "The relay does not let this device at the files of the room.".to_owned(),
            "See /why; come back to the room, then resume it.",
        ),
        FileReason::Refused => ("The relay refuses the file.".to_owned(), "Update schat or the relay."),
    };
    (message, remedy.to_owned())
}

/// What the relay does, as the rest of a sentence that begins with it.
fn lie(lie: Lie) -> &'static str {
    match lie {
        Lie::NoFrame => "sends what is no frame",
        Lie::TooMuch => "sends more of the file than there is",
        Lie::OtherPart => "sent another part than its sender sealed",
        Lie::EmptyPart => "sends an empty part",
        Lie::Unasked => "sends parts that were not asked for",
        Lie::ForeignPart => "has parts that the file does not have",
        Lie::OtherSize => "has a file of another size under this name",
    }
}

fn forgery(forgery: &Forgery) -> String {
    let fixed = match forgery {
        Forgery::Picture => "it is not the picture that it says it is",
        Forgery::Parts => "it has more than one part",
        Forgery::List => "its list of parts is not genuine",
        Forgery::Listed(why) => return why.clone(),
        Forgery::Size => "it has another size at the relay",
        Forgery::Unopened => "a part of it does not open",
        Forgery::Short => "a part of it is too short",
        Forgery::Avatar => "it is too large for a picture of a person",
    };
    fixed.to_owned()
}

/// What is wrong with a file here.
pub fn fault(fault: &FileFault) -> String {
    let as_it_is = |why: &str| format!("{why}; it can be sent as it is with --keep-metadata");
    match fault {
        FileFault::NotPlain => "it is no plain file".to_owned(),
        FileFault::Taken => "something else has its name".to_owned(),
        FileFault::LargePicture => {
            as_it_is("this picture is too large to take out what it tells besides its pixels")
        }
        FileFault::DamagedPicture => as_it_is("this picture is damaged"),
        FileFault::Io(why) => why.clone(),
    }
}

/// Which limit of the relay it was, and what to do: what helps here, and by which of its options it can be raised.
fn bound(bound: Bound, remedy: &str) -> (&'static str, String) {
    let (limit, option) = match Limit::from(bound) {
        Limit::FileSize => ("a single file may not have so many bytes", "--max-file-mib"),
        Limit::RoomFiles => (
            "the files of this room take all that the room may have",
            "--room-files-mib, or --files-per-room",
        ),
        Limit::MemberFiles => ("your files take your part of what the room may have", "--room-files-mib"),
        Limit::OpenerFiles => (
            "the rooms of this room's opener have had as many bytes of files today as they may have, or as one member may send",
            "--opener-files-mib",
        ),
        Limit::Transfers => (
            "as many files are under way at once as may be",
            "--transfers-per-connection, --transfers-per-room, or --transfers-per-member",
        ),
        Limit::FileRate => ("too many files were begun within a minute", "--files-per-address"),
        Limit::FilesDisk => ("its files take all that they may of its disk", "--max-files-mib"),
        Limit::Disk => {
            let remedy = format!(
                "{remedy}; or the relay's operator makes space on its disk, or lowers --reserve-mib."
            );
            return ("its disk has no room left for files", remedy);
        }
        Limit::OpenerShare => ("the rooms of this room's opener take all that they may", "--opener-percent"),
        _ => ("a limit that it does not name", ""),
    };
    let remedy = match option {
        "" => format!("{remedy}, or ask the relay's operator."),
        option => format!("{remedy}; or the relay's operator raises {option}."),
    };
    (limit, remedy)
}
