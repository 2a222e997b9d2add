//! A server that answers as the Hugging Face hub does: small files at once, weights by a redirection that tells
//! their length and SHA-256, then in parts. It can be told to break connections.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

/// The commit that a branch stands for here.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What it was asked, and how it is to fail.
#[derive(Default)]
pub struct State {
    /// `METHOD PATH RANGE`.
    pub log: Mutex<Vec<String>>,
    /// Bytes of weights after which the next connections break, the next one last.
    pub cuts: Mutex<Vec<usize>>,
}

/// Serves `folder` as the model `maker/tiny`, until the test ends.
pub fn serve(folder: &Path) -> (String, Arc<State>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let state = Arc::new(State::default());
    let (shared, folder) = (Arc::clone(&state), folder.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (state, folder) = (Arc::clone(&shared), folder.clone());
            // A client that hangs up in the middle is no fault here.
            std::thread::spawn(move || answer(stream, &folder, &state).unwrap_or_default());
        }
    });
    (address, state)
}

fn answer(mut stream: TcpStream, folder: &Path, state: &State) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut range = None;
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        range = line.strip_prefix("range: bytes=").map(str::to_owned).or(range);
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let log = format!("{method} {path} {}", range.as_deref().unwrap_or("-"));
    state.log.lock().unwrap().push(log.trim_end().to_owned());
    let place = path.strip_prefix("/maker/tiny/resolve/").and_then(|place| place.split_once('/'));
    let stored = path.strip_prefix("/storage/");
    let name = stored.or(place.map(|(_, name)| name)).unwrap_or_default();
    let Ok(bytes) = std::fs::read(folder.join(name)) else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let close = "Connection: close\r\n\r\n";
    if Path::new(name).extension().is_some_and(|ending| ending == "json") {
        let length = bytes.len();
        write!(stream, "HTTP/1.1 200 OK\r\nX-Repo-Commit: {COMMIT}\r\nContent-Length: {length}\r\n{close}")?;
        return stream.write_all(&bytes);
    }
    if stored.is_none() {
        let hash = format!("{:x}", Sha256::digest(&bytes));
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nX-Linked-Size: {}\r\nX-Linked-ETag: \"{hash}\"\r\nLocation: /storage/{name}\r\nContent-Length: 0\r\n{close}",
            bytes.len()
        );
    }
    let (start, end) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let (start, end) = (start.parse().unwrap(), end.parse().map_or(bytes.len(), |end: usize| end + 1));
    let body = &bytes[start..end];
    write!(
        stream,
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{}\r\nContent-Length: {}\r\n{close}",
        end - 1,
        bytes.len(),
        body.len()
    )?;
    // Headers always arrive.
    let cut = if body.len() > 20_000 { state.cuts.lock().unwrap().pop() } else { None };
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])
}
