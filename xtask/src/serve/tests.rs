#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::Server;
use super::headers::Rules;

const HEADERS: &str = "# of the site\n/*\n  Content-Security-Policy: default-src 'none'; script-src 'self'\n  Cross-Origin-Opener-Policy: same-origin\n\n/models/*\n  Cache-Control: max-age=60\n";

/// A site with a page, a module, a weight file of 1000 bytes, and a secret beside it.
fn site() -> (tempfile::TempDir, SocketAddr) {
    let root = tempfile::tempdir().unwrap();
    let dist = root.path().join("dist");
    fs::create_dir_all(dist.join("models")).unwrap();
    fs::write(root.path().join("secret"), "secret").unwrap();
    fs::write(dist.join("_headers"), HEADERS).unwrap();
    fs::write(dist.join(".hidden"), "secret").unwrap();
    fs::write(dist.join("index.html"), "<!doctype html>").unwrap();
    fs::write(dist.join("safelight_bg.wasm"), "\0asm").unwrap();
    let weights: Vec<u8> = (0..1000_u32).map(|i| (i % 251) as u8).collect();
    fs::write(dist.join("models/model.safetensors"), weights).unwrap();
    let server = Server::bind(&dist, 0).unwrap();
    let address = server.address().unwrap();
    thread::spawn(move || server.run());
    (root, address)
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        (self.head.lines())
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn ask(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n").unwrap();
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n").unwrap();
    }
    write!(stream, "\r\n").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let end = reply.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(reply[..end].to_vec()).unwrap();
    Reply { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: reply[end + 4..].to_vec() }
}

#[test]
fn the_page_carries_the_headers_of_the_site() {
    let (_root, address) = site();
    let page = ask(address, "GET", "/?from=bookmark", &[]);
    assert_eq!((page.status, page.body.as_slice()), (200, b"<!doctype html>".as_slice()));
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("Content-Security-Policy"), Some("default-src 'none'; script-src 'self'"));
    assert_eq!(page.header("Cache-Control"), Some("no-cache"));
    let missing = ask(address, "GET", "/nothing", &[]);
    assert_eq!(missing.status, 404);
    assert_eq!(missing.header("Cross-Origin-Opener-Policy"), Some("same-origin"));
    assert_eq!(ask(address, "GET", "/safelight_bg.wasm", &[]).header("Content-Type"), Some("application/wasm"));
}

#[test]
fn a_large_file_has_a_length_and_the_headers_of_its_path() {
    let (_root, address) = site();
    let weights = ask(address, "GET", "/models/model.safetensors", &[]);
    assert_eq!((weights.status, weights.body.len()), (200, 1000));
    assert_eq!(weights.header("Content-Length"), Some("1000"));
    assert_eq!(weights.header("Cache-Control"), Some("max-age=60"));
    let head = ask(address, "HEAD", "/models/model.safetensors", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("Content-Length"), Some("1000"));
    assert_eq!(ask(address, "POST", "/", &[]).status, 405);
}

#[test]
fn ranges_resume_a_download() {
    let (_root, address) = site();
    let part = |range: &str| ask(address, "GET", "/models/model.safetensors", &[("Range", range)]);
    for (range, content_range, length, first) in [
        ("bytes=300-", "bytes 300-999/1000", 700, 49),
        ("bytes=0-0", "bytes 0-0/1000", 1, 0),
        ("bytes=990-5000", "bytes 990-999/1000", 10, 237),
        ("bytes=-10", "bytes 990-999/1000", 10, 237),
    ] {
        let reply = part(range);
        assert_eq!((reply.status, reply.header("Content-Range")), (206, Some(content_range)), "{range}");
        assert_eq!((reply.body.len(), reply.body[0]), (length, first), "{range}");
    }
    for range in ["bytes=1000-", "bytes=-0"] {
        let beyond = part(range);
        assert_eq!((beyond.status, beyond.header("Content-Range")), (416, Some("bytes */1000")), "{range}");
    }
    for ignored in ["bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=x-"] {
        assert_eq!(part(ignored).status, 200, "{ignored}");
    }
}

#[test]
fn an_unchanged_file_is_not_sent_again_and_a_changed_one_is_not_resumed() {
    let (_root, address) = site();
    let path = "/models/model.safetensors";
    let tag = ask(address, "GET", path, &[]).header("ETag").unwrap().to_owned();
    assert_eq!(ask(address, "GET", path, &[("If-None-Match", &tag)]).status, 304);
    let resumed = |tag: &str| ask(address, "GET", path, &[("Range", "bytes=10-"), ("If-Range", tag)]).status;
    assert_eq!((resumed(&tag), resumed("\"older\"")), (206, 200));
}

#[test]
fn nothing_outside_the_site_is_served() {
    let (_root, address) = site();
    for target in [
        "/../secret",
        "/models/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/..\\secret",
        "//etc/passwd",
        "/.hidden",
        "/_headers",
        "/%ff",
        "/%",
        "/models",
    ] {
        assert_eq!(ask(address, "GET", target, &[]).status, 404, "{target}");
    }
}

#[test]
fn a_bad_headers_file_names_its_line() {
    let error = Rules::parse("/*\n  no colon\n").unwrap_err();
    assert_eq!(error.to_string(), "_headers, line 2: no colon");
}

/// A browser opens six connections at once and keeps them; a server with a thread for each may leave some waiting.
#[test]
fn connections_that_are_kept_open_keep_nobody_waiting() {
    let (_root, address) = site();
    let mut streams: Vec<_> = (0..24).map(|_| TcpStream::connect(address).unwrap()).collect();
    // Half of them say nothing, as connections that are opened ahead of need.
    for stream in streams.iter_mut().skip(12) {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    }
    for stream in streams.iter_mut().skip(12) {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(status, *b"HTTP/1.1 200");
    }
}
