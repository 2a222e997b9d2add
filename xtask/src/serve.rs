//! `cargo xtask serve`: the built site on this machine, with the headers it has in production.

mod answer;
mod headers;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use tiny_http::{Header, Response, StatusCode};

use answer::{Answer, Body, Request};
use headers::Rules;

/// Requests answered at once; a browser opens at most six connections to an origin.
const WORKERS: usize = 12;

/// A static server over one folder, bound to the loopback interface.
pub struct Server {
    http: tiny_http::Server,
    folder: PathBuf,
    rules: Rules,
}

impl Server {
    /// Binds `port` (0: any free one) and reads the folder's `_headers`.
    pub fn bind(folder: &Path, port: u16) -> Result<Self> {
        let folder = (folder.canonicalize()).with_context(|| format!("{} cannot be served", folder.display()))?;
        let rules = match fs::read_to_string(folder.join("_headers")) {
            Ok(text) => Rules::parse(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Rules::default(),
            Err(error) => return Err(error).context("_headers cannot be read"),
        };
        let http = tiny_http::Server::http(("127.0.0.1", port))
            .map_err(|error| anyhow!("Port {port} cannot be used ({error}); choose another with --port."))?;
        Ok(Self { http, folder, rules })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        self.http.server_addr().to_ip().context("the server has no address")
    }

    /// Answers requests until the process ends.
    pub fn run(self) {
        let server = Arc::new(self);
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    while let Ok(request) = server.http.recv() {
                        // An error here is a client that went away.
                        let _gone = server.respond(request);
                    }
                })
            })
            .collect();
        for worker in workers {
            let _panicked = worker.join();
        }
    }

    fn respond(&self, request: tiny_http::Request) -> io::Result<()> {
        let header = |name: &'static str| {
            (request.headers().iter()).find(|header| header.field.equiv(name)).map(|header| header.value.as_str())
        };
        let Answer { status, headers, body } = answer::answer(
            &self.folder,
            &self.rules,
            &Request {
                method: request.method().as_str(),
                target: request.url(),
                range: header("Range"),
                if_range: header("If-Range"),
                if_none_match: header("If-None-Match"),
            },
        );
        let (reader, length): (Box<dyn Read + Send>, u64) = match body {
            Body::Text(text) => (Box::new(text.as_bytes()), text.len() as u64),
            Body::File { file, start, length } => {
                let mut file = File::open(file)?;
                file.seek(SeekFrom::Start(start))?;
                (Box::new(file.take(length)), length)
            }
        };
        let headers = (headers.iter())
            .filter_map(|(name, value)| Header::from_bytes(name.as_bytes(), value.as_bytes()).ok())
            .collect();
        let response = Response::new(StatusCode(status), headers, reader, usize::try_from(length).ok(), None)
            // A chunked body has no Content-Length, and the page's progress bar needs one.
            .with_chunked_threshold(usize::MAX);
        request.respond(response)
    }
}

/// Serves `folder` and says where.
pub fn serve(folder: &Path, port: u16) -> Result<()> {
    let server = Server::bind(folder, port)?;
    println!("Safelight is at http://localhost:{}/", server.address()?.port());
    server.run();
    Ok(())
}
