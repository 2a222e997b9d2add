//! What the server answers: one request, by value, to one status, headers and part of a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::headers::Rules;

/// A request, as far as a static server cares.
pub struct Request<'a> {
    /// `GET`, `HEAD` or another.
    pub method: &'a str,
    /// The request target: path and perhaps a query.
    pub target: &'a str,
    /// The value of `Range`.
    pub range: Option<&'a str>,
    /// The value of `If-Range`.
    pub if_range: Option<&'a str>,
    /// The value of `If-None-Match`.
    pub if_none_match: Option<&'a str>,
}

/// The answer to a [`Request`].
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What to send.
    pub body: Body,
}

/// The body of an [`Answer`].
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// A line for people.
    Text(&'static str),
    /// `length` bytes of `file` from `start`.
    File {
        /// Path on the disk.
        file: PathBuf,
        /// First byte to send.
        start: u64,
        /// Number of bytes to send.
        length: u64,
    },
}

/// Answers `request` from the files under `folder`.
pub fn answer(folder: &Path, rules: &Rules, request: &Request) -> Answer {
    let url = request.target.split(['?', '#']).next().unwrap_or_default();
    let mut answer = respond(folder, url, request);
    answer.header("X-Content-Type-Options", "nosniff");
    for (name, value) in rules.matching(url) {
        answer.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        answer.header(name, value);
    }
    answer
}

fn respond(folder: &Path, url: &str, request: &Request) -> Answer {
    if !matches!(request.method, "GET" | "HEAD") {
        let mut answer = Answer::text(405, "Only GET and HEAD are served here.\n");
        answer.header("Allow", "GET, HEAD");
        return answer;
    }
    let found =
        file_of(folder, url).and_then(|file| Some((fs::metadata(&file).ok().filter(fs::Metadata::is_file)?, file)));
    let Some((metadata, file)) = found else {
        return Answer::text(404, "There is no such file.\n");
    };
    let total = metadata.len();
    let tag = entity_tag(&metadata);
    let is_current = |tags: &str| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);

    let mut answer = if request.if_none_match.is_some_and(is_current) {
        Answer::text(304, "")
    } else {
        // A range of an older version of the file would not fit what the client has.
        let range = request.range.filter(|_| request.if_range.is_none_or(|known| known == tag));
        match range.map_or(Range::Whole, |range| Range::parse(range, total)) {
            Range::Whole => Answer::file(200, &file, 0, total),
            Range::Part { start, length } => {
                let mut answer = Answer::file(206, &file, start, length);
                answer.header("Content-Range", &format!("bytes {start}-{}/{total}", start + length - 1));
                answer
            }
            Range::Unsatisfiable => {
                let mut answer = Answer::text(416, "The file ends before this range.\n");
                answer.header("Content-Range", &format!("bytes */{total}"));
                return answer;
            }
        }
    };
    answer.header("ETag", &tag);
    answer.header("Accept-Ranges", "bytes");
    // Names here carry no hash, so a browser asks again each time; an unchanged file costs it one 304.
    answer.header("Cache-Control", "no-cache");
    answer
}

/// The file that `url` names inside `folder`: never outside it, never a hidden file or `_headers`.
fn file_of(folder: &Path, url: &str) -> Option<PathBuf> {
    let path = percent_decoded(url.strip_prefix('/')?)?;
    let mut file = folder.to_path_buf();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "" if last => file.push("index.html"),
            "" | "_headers" => return None,
            _ if part.starts_with('.') || part.contains(['\\', ':', '\0']) => return None,
            _ => file.push(part),
        }
    }
    Some(file)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

/// A strong validator without reading the file: its length and time of change.
fn entity_tag(metadata: &fs::Metadata) -> String {
    let changed = (metadata.modified().ok()).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", metadata.len(), changed.unwrap_or_default().as_nanos())
}

/// What a `Range` header asks of a file (RFC 9110, section 14).
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// No range, several or another unit: the header may be ignored.
    Whole,
    Part {
        start: u64,
        length: u64,
    },
    Unsatisfiable,
}

impl Range {
    fn parse(header: &str, total: u64) -> Self {
        let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return Self::Whole;
        };
        let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(total)),
            (Ok(first), Err(_)) if last.trim().is_empty() => (first, total),
            (Err(_), Ok(suffix)) if first.trim().is_empty() => (total - suffix.min(total), total),
            _ => return Self::Whole,
        };
        if start < end { Self::Part { start, length: end - start } } else { Self::Unsatisfiable }
    }
}

impl Answer {
    fn text(status: u16, text: &'static str) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), "text/plain; charset=utf-8".into())],
            body: Body::Text(text),
        }
    }

    fn file(status: u16, file: &Path, start: u64, length: u64) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), media_type(file).into())],
            body: Body::File { file: file.into(), start, length },
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.into(), value.into()));
    }
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "gif" => "image/gif",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpeg" | "jpg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
