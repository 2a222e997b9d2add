//! Pictures one after another, the next one read and decoded while the device works on this one.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use safelight::Result;
use safelight::picture::{Limits, Picture};

use crate::loading;

/// A picture, and how many milliseconds it took to decode.
pub struct Decoded {
    pub picture: Picture,
    pub ms: f64,
}

/// The pictures at `paths` in their order, each with its path. One is ready ahead, no more, because they are large.
pub fn decode_ahead(paths: Vec<PathBuf>) -> Receiver<(PathBuf, Result<Decoded>)> {
    let (sender, receiver) = sync_channel(0);
    thread::spawn(move || {
        for path in paths {
            let decoded = decode(&path);
            if sender.send((path, decoded)).is_err() {
                return; // nobody asks any more
            }
        }
    });
    receiver
}

fn decode(path: &Path) -> Result<Decoded> {
    let bytes = loading::read_picture(path)?;
    let start = Instant::now();
    let picture = Picture::decode(&bytes, &Limits::default())?;
    Ok(Decoded { picture, ms: 1000.0 * start.elapsed().as_secs_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_come_in_their_order_and_a_bad_one_stops_none() {
        let names = ["02-chelsea.png", "missing.png", "11-pixel.png", "07-coins.png"];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/clip/pictures");
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        let got: Vec<(PathBuf, bool)> =
            decode_ahead(paths.clone()).into_iter().map(|(path, decoded)| (path, decoded.is_ok())).collect();
        let expected: Vec<(PathBuf, bool)> = paths.into_iter().zip([true, false, true, true]).collect();
        assert_eq!(got, expected);
    }
}
