//! The commands, as `/help` lists them.

use crate::failure::Failure;

/// The commands with their usage, for `/help`.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "/join ROOM|LINK",
        "join by an invite link, use the relay of its link, go to one of your rooms, or open the open room of that name",
    ),
    (
        "/create ROOM",
        "make a private room; past=100 hands newcomers so many messages, disappear=7d lets messages go after a time",
    ),
    ("/reply TEXT", "answer the last message of somebody else"),
    ("/quote TEXT", "the same, with what it says above your answer"),
    ("/me TEXT", "say what you do: /me waves"),
    ("/edit TEXT", "give your last message another text; everybody sees that it was edited"),
    ("/delete", "take your last message back"),
    ("/react EMOJI", "put a sign under the last message of somebody else; once more takes it back"),
    (
        "/file PATH",
        "send a file, or several, each in quotation marks where it has spaces; they go in the background, and go on after a break",
    ),
    ("/voice PATH", "send a recording (Ogg, WAV) as a voice message, with how long it is"),
    (
        "/get [WORDS|ID]",
        "fetch the newest file of this room, the newest with these words in its name, or the one with this id, as /files shows it",
    ),
    (
        "/files [WORDS]",
        "the newest files of this room, or those with these words in their names, with their ids; and those that are under way",
    ),
    ("/pause NUMBER", "let a file that is under way wait"),
    ("/resume NUMBER", "let it go on"),
    ("/cancel NUMBER", "give it up"),
    ("/search WORDS", "find what was said in this room"),
    (
        "/invite [uses=N] [expires=TIME]",
        "show a link that lets others in; with limits such as uses=1 expires=2h, or never, it is a new one",
    ),
    ("/invites", "the live invites, whose they are and how far they are used"),
    ("/revoke INVITE", "end an invite, by the beginning of its id"),
    ("/members", "who is here"),
    ("/devices", "your devices, as your rooms know them"),
    ("/devices rename NAME", "call this device so"),
    ("/devices replace-key", "how your account gets another key when a device was lost or stolen"),
    ("/devices remove NAME", "take another device of yours out of every room; asks first"),
    ("/verify [NAME]", "the safety number to compare with somebody"),
    ("/verify NAME yes", "it is the same at both ends: mark the member as verified"),
    ("/unverify NAME", "take that mark back"),
    ("/kick NAME|FINGERPRINT", "remove a member; moderators only. It ends all invites"),
    ("/moderator NAME [no]", "make a member a moderator, or not any more; moderators only"),
    (
        "/policy [invite=everybody|moderators] [seats=N]",
        "who may invite, and how many devices one person may have; alone, it shows that. Moderators change it",
    ),
    (
        "/link [CODE]",
        "let another device have your account: by the code that it shows (`schat link` there), or by one that this device shows",
    ),
    (
        "/link yes DIGITS",
        "it shows the same as this one, with these twelve digits. Behind them perhaps history=none, history=all, or so many messages of each room [1000]",
    ),
    ("/link no", "it does not"),
    ("/link cancel", "give it up"),
    ("/nick NAME", "change your name"),
    ("/status [TEXT]", "say something of yourself beside your name, or nothing any more"),
    ("/glyph [EMOJI]", "a small sign for you, or none any more"),
    ("/avatar PATH|none", "a picture of you for everybody in your rooms, or none any more"),
    (
        "/disappear [TIME|off]",
        "messages from now on go after a time like 30m, 12h, 7d; alone, it shows the time",
    ),
    ("/topic [TEXT|off]", "say what this room is about; alone, it shows that. Moderators change it"),
    ("/rooms [all]", "list your rooms; with those that you left"),
    ("/info", "what this room is: its id at the relay, what it allows, who moderates it"),
    (
        "/leave",
        "leave this room; asks first. What was said there stays on this device, to be searched and exported",
    ),
    ("/forget [ROOM]", "delete what is kept of a room that you left, or that is over; asks first"),
    (
        "/accept",
        "go on in this room although its relay was restored from a backup, or read on where this device was before it was led past the end of the log; ask the relay's operator first",
    ),
    ("/pin", "this room stands above the others in the list"),
    ("/unpin", "not any more"),
    ("/mute", "do not tell me of this room while I look elsewhere"),
    ("/unmute", "tell me of it again"),
    ("/why", "explain what went wrong last, which files do not go on, and what to do"),
    ("/help [WORDS]", "this list, or what of it has these words"),
    ("/quit", "end; so does Ctrl-D"),
];

/// What confirms a device that is linked.
pub(super) fn confirms() -> Failure {
    Failure::usage(
        "Nothing is confirmed: say what the new device shows, so that nobody confirms what they did not look at.",
        "/link yes DIGITS, with the twelve digits that stand there. Behind them perhaps history=none, history=all or history=1000.",
    )
}

/// How a command is used, for a line that uses it otherwise.
pub(super) fn usage_of(word: &str) -> Failure {
    let usage =
        COMMANDS.iter().find(|(usage, _)| usage.trim_start_matches('/').split(' ').next() == Some(word));
    Failure::usage(
        "The command is not complete, or says too much.",
        usage.map_or("See /help.", |(usage, _)| usage),
    )
}
