//! What the bytes of a file say about it, before any decoder has seen them.

/// Width and height in a PNG's header, which always comes first.
pub fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(8..)?.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*rest.first_chunk::<4>()?)))
}

/// What a file that no decoder here reads looks like, in words that end "… that can be read here: ".
pub fn describe(bytes: &[u8]) -> &'static str {
    let signatures: [(&[u8], &str); 10] = [
        (b"%PDF", "a PDF document"),
        (b"II*\0", "a TIFF picture or a camera's raw file"),
        (b"MM\0*", "a TIFF picture or a camera's raw file"),
        (b"\xff\x0a", "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
        (b"8BPS", "a Photoshop file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1aE\xdf\xa3", "a video"),
        (b"\0\0\x01\0", "an icon"),
    ];
    if let Some(kind) = iso_media(bytes) {
        return kind;
    }
    if let Some((_, kind)) = signatures.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return kind;
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_lowercase();
    // A character cut in two by the 1,024 bytes is no sign of other content.
    let start = start.trim_end_matches('\u{fffd}');
    if start.contains("<html") || start.contains("<!doctype html") {
        "a web page"
    } else if start.contains("<svg") {
        "an SVG drawing"
    } else if !start.is_empty() && start.chars().all(|c| c != '\u{fffd}' && (!c.is_control() || c.is_whitespace())) {
        "a text file"
    } else {
        "unknown content"
    }
}

/// The kind of an ISO base media file (ISO/IEC 14496-12): its first box, `ftyp`, lists four-letter brands.
fn iso_media(bytes: &[u8]) -> Option<&'static str> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let brands = bytes.get(8..length.min(bytes.len())).unwrap_or_default();
    // The second word is a version; it matches no brand.
    let has = |wanted: &[&[u8; 4]]| brands.as_chunks().0.iter().any(|brand| wanted.contains(&brand));
    if has(&[b"avif", b"avis"]) {
        Some("an AVIF picture")
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        Some("a HEIC picture")
    } else if has(&[b"crx "]) {
        Some("a camera's raw file")
    } else {
        Some("a video")
    }
}

/// Whether a JPEG reaches its end-of-image marker. Segments are stepped over, so the marker of an EXIF
/// thumbnail does not count; what cameras append after it does no harm.
pub fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2; // after start of image
    loop {
        // Entropy-coded data hold 0xff only before a zero, a restart (0xd0–0xd7) or a fill byte.
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(next) =
            rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 1 | 0xd0..=0xd8 | 0xff))
        else {
            return false;
        };
        match rest[next..] {
            [_, 0xd9, ..] => return true,
            [_, _, high, low, ..] => at += next + 2 + usize::from(u16::from_be_bytes([high, low])).max(2),
            _ => return false,
        }
    }
}
