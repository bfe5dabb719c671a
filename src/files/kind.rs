//! What a file is, by its first bytes and its name's ending.

use super::name;

/// As many first bytes as [`media_type`] looks at.
pub(super) const SNIFFED: usize = 16;

const UNKNOWN: &str = "application/octet-stream";

/// The media type: that of a raster image where the first bytes say so; else that of an ending which
/// no browser runs as a page; else just bytes.
pub(super) fn media_type(first: &[u8], name: &str) -> &'static str {
    raster_image(first).or_else(|| name::ending(name).and_then(|ending| by_ending(&ending))).unwrap_or(UNKNOWN)
}

/// Whether a browser may show it in place: raster images only.
pub(super) fn is_shown_inline(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/bmp")
}

fn raster_image(first: &[u8]) -> Option<&'static str> {
    match first {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        // The four bytes after the size are reserved and zero; two letters alone would be too little.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("image/bmp"),
        _ => None,
    }
}

fn by_ending(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "txt" | "log" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "7z" => "application/x-7z-compressed",
        "rar" => "application/vnd.rar",
        "gz" => "application/gzip",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "ppt" => "application/vnd.ms-powerpoint",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "amr" => "audio/AMR",
        "wav" => "audio/wav",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raster_images_are_known_by_their_bytes_whatever_they_are_called() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n....", "page.html"), "image/png");
        assert_eq!(media_type(b"\xff\xd8\xff\xe0", "x"), "image/jpeg");
        assert_eq!(media_type(b"GIF89a", "x"), "image/gif");
        assert_eq!(media_type(b"RIFF....WEBPVP8 ", "x"), "image/webp");
        assert_eq!(media_type(b"BM\x01\x02\0\0\0\0\0\0", "x"), "image/bmp");
    }

    #[test]
    fn what_only_claims_to_be_an_image_is_just_bytes() {
        for (bytes, name) in [
            (b"<script>".as_slice(), "cat.png"),
            (b"<svg/>", "cat.svg"),
            (b"<html>", "page.html"),
            (b"BM, said the man", "cat.bmp"),
            (b"", "nothing"),
        ] {
            let found = media_type(bytes, name);
            assert_eq!(found, UNKNOWN, "{name}");
            assert!(!is_shown_inline(found));
        }
    }

    #[test]
    fn harmless_endings_are_named_but_not_shown_inline() {
        let found = media_type(b"%PDF-1.7", "Paper.PDF");
        assert_eq!(found, "application/pdf");
        assert!(!is_shown_inline(found));
    }
}
