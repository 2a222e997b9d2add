//! A checkpoint on the Hugging Face hub, or on a server that answers like it.

use std::io::Read;
use std::time::Duration;

use safelight::{Error, Result};
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

use super::source::{Source, Stat};

/// Where models come from, if neither `--hub` nor `HF_ENDPOINT` says otherwise.
pub const HUB: &str = "https://huggingface.co";

/// Longest wait for one answer and its body; a piece that takes longer is asked for again from where it broke.
const PATIENCE: Duration = Duration::from_mins(10);

/// Longest piece that is asked for at once.
const PIECE: u64 = 64 << 20;

pub struct Hub {
    agent: Agent,
    /// Without the slash at its end.
    address: String,
    id: String,
    /// A branch, a tag or a commit; the commit as soon as the hub has told it.
    revision: String,
}

impl Hub {
    /// `id`: `openai/clip-vit-large-patch14`.
    pub fn new(address: &str, id: &str, revision: &str) -> Self {
        let config = Agent::config_builder()
            .user_agent(concat!("safelight/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_global(Some(PATIENCE))
            .https_only(address.starts_with("https:"))
            .build();
        let address = address.trim_end_matches('/').to_owned();
        Self { agent: config.into(), address, id: id.to_owned(), revision: revision.to_owned() }
    }

    /// Whether `text` has the form of an id.
    pub fn is_id(text: &str) -> bool {
        let part = |part: &str| {
            let of_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(of_name)
        };
        text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}/resolve/{}/{name}", self.address, self.id, self.revision)
    }

    fn failed(&self, name: &str, error: &ureq::Error) -> Error {
        let message = match error {
            ureq::Error::StatusCode(401 | 403 | 404) => {
                format!("{} has no such file for {} (or keeps it from the public)", self.address, self.id)
            }
            ureq::Error::StatusCode(status) => format!("{} answered {status}", self.address),
            other => other.to_string(),
        };
        Error::Network { what: name.to_owned(), message }
    }

    /// The answer to HEAD, with or without following where it points to.
    fn head(&self, name: &str, redirects: u32) -> Result<Response<Body>> {
        let request = self.agent.head(self.url(name)).config();
        let request = request.max_redirects(redirects).max_redirects_will_error(false).build();
        request.call().map_err(|error| self.failed(name, &error))
    }
}

impl Source for Hub {
    fn words(&self) -> String {
        format!("{}, revision {}, of {}", self.id, self.revision, self.address)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.agent.get(self.url(name)).call() {
            Ok(mut response) => {
                // From here on the same commit, whatever is pushed meanwhile.
                if let Some(commit) = header(response.headers(), "x-repo-commit") {
                    commit.clone_into(&mut self.revision);
                }
                let text = response.body_mut().read_to_string().map_err(|error| self.failed(name, &error))?;
                Ok(Some(text))
            }
            Err(ureq::Error::StatusCode(404)) => Ok(None),
            Err(error) => Err(self.failed(name, &error)),
        }
    }

    fn stat(&mut self, name: &str) -> Result<Stat> {
        // The hub says a large file's length and SHA-256 itself, before it points to where the file lies.
        let mut response = self.head(name, 0)?;
        let linked = header(response.headers(), "x-linked-size").is_some();
        if response.status().is_redirection() && !linked {
            response = self.head(name, 5)?;
        }
        let headers = response.headers();
        let (size, tag) = if linked { ("x-linked-size", "x-linked-etag") } else { ("content-length", "etag") };
        let bytes = header(headers, size).and_then(|size| size.parse().ok()).ok_or_else(|| Error::Network {
            what: name.to_owned(),
            message: format!("{} does not say how long it is", self.address),
        })?;
        let tag = header(headers, tag).unwrap_or_default().to_owned();
        Ok(Stat { name: name.to_owned(), bytes, tag })
    }

    fn open(&mut self, file: &Stat, start: u64, end: u64) -> Result<Box<dyn Read>> {
        let end = end.min(start + PIECE);
        let request = self.agent.get(self.url(&file.name)).header("Range", format!("bytes={start}-{}", end - 1));
        // A weight file compressed on the way could not be cut into ranges.
        let response = request.header("Accept-Encoding", "identity").call();
        let response = response.map_err(|error| self.failed(&file.name, &error))?;
        let refuse = |message: String| Err(Error::Network { what: file.name.clone(), message });
        if response.status() != 206 {
            return refuse(format!("{} sends no parts of files (status {})", self.address, response.status().as_u16()));
        }
        let range = header(response.headers(), "content-range").unwrap_or_default();
        if range != format!("bytes {start}-{}/{}", end - 1, file.bytes) {
            return refuse(format!("bytes {start}-{} were asked for, and “{range}” came", end - 1));
        }
        Ok(Box::new(response.into_body().into_reader()))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::Hub;

    #[test]
    fn an_id_has_two_parts() {
        assert!(Hub::is_id("openai/clip-vit-large-patch14"));
        for text in ["clip", "a/b/c", "../x", "a/", "https://x/y", "a b/c"] {
            assert!(!Hub::is_id(text), "{text}");
        }
    }
}
