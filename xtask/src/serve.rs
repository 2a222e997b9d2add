//! `cargo xtask serve`: the built site on this machine, with the headers it has in production.

mod answer;
mod headers;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use answer::{Answer, Body};
use headers::Rules;

/// A static server over one folder, bound to the loopback interface.
pub struct Server {
    listener: TcpListener,
    site: Site,
}

/// What is served, and with which headers.
struct Site {
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
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("Port {port} cannot be used; choose another with --port"))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, site: Site { folder, rules } })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers requests until the process ends. A connection costs no thread: browsers keep many open, also idle ones.
    pub fn run(self) -> Result<()> {
        let site = Arc::new(self.site);
        let router = Router::new().fallback(move |request: Request<axum::body::Body>| {
            let site = Arc::clone(&site);
            async move { site.respond(&request.into_parts().0).await.unwrap_or_else(|error| unreadable(&error)) }
        });
        tokio::runtime::Runtime::new()?.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            Ok(axum::serve(listener, router).await?)
        })
    }
}

impl Site {
    async fn respond(&self, request: &Parts) -> io::Result<Response<axum::body::Body>> {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let Answer { status, headers, body } = answer::answer(
            &self.folder,
            &self.rules,
            &answer::Request {
                method: request.method.as_str(),
                target: request.uri.path(),
                range: header("range"),
                if_range: header("if-range"),
                if_none_match: header("if-none-match"),
            },
        );
        let (body, length) = match body {
            Body::Text(text) => (axum::body::Body::from(text), text.len() as u64),
            Body::File { file, start, length } => {
                let mut file = tokio::fs::File::open(file).await?;
                file.seek(SeekFrom::Start(start)).await?;
                (axum::body::Body::from_stream(ReaderStream::new(file.take(length))), length)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        // A streamed body has no length of its own, and the page's progress bar needs one.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        Ok(response)
    }
}

/// The file was there when the answer was made, and cannot be read now.
fn unreadable(error: &io::Error) -> Response<axum::body::Body> {
    let mut response = Response::new(axum::body::Body::from(format!("The file cannot be read: {error}.\n")));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Serves `folder` and says where.
pub fn serve(folder: &Path, port: u16) -> Result<()> {
    let server = Server::bind(folder, port)?;
    println!("Safelight is at http://localhost:{}/", server.address()?.port());
    server.run()
}
