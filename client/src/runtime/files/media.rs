//! What a file is.

use std::path::Path;

/// What a file is by its name; nothing is looked at.
pub(super) fn of(name: &str) -> &'static str {
    let ending = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "odt" => "application/vnd.oasis.opendocument.text",
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "json" => "application/json",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "mp3" => "audio/mpeg",
        "ogg" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "m4a" => "audio/mp4",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ending_tells_in_whatever_capitals_and_nothing_else_does() {
        assert_eq!((of("cat.JPG"), of("a.b.png")), ("image/jpeg", "image/png"));
        assert_eq!((of("png"), of(".png"), of("cat.jpg.exe"), of("")), ("", "", "", ""));
    }
}
