//! Opening a pack from a folder, and a bar that shows it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use safelight::clip::pack::{Manifest, PackFile, PackReader};
use safelight::clip::self_test;
use safelight::clip::tokenizer;
use safelight::device::{Device, Preference};
use safelight::extractor::Extractor;
use safelight::picture::Limits;
use safelight::{Error, Result};
use safelight_tokenizer::Tokenizer;

/// Which model, on which device.
#[derive(Clone, Args)]
pub struct Model {
    /// Folder of the model pack (made by `cargo xtask models`).
    #[arg(long, default_value = "models/packs/clip-vit-base-patch16-int8")]
    pack: PathBuf,
    /// A tokenizer.json, for captions; without it the pack's own, else CLIP's in models/tokenizer.json (made by
    /// `cargo xtask models`).
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceArgument,
}

#[derive(Clone, Copy, ValueEnum)]
enum DeviceArgument {
    Auto,
    Gpu,
    Cpu,
}

/// CLIP's own tokenizer, for packs that have none.
const TOKENIZER: &str = "models/tokenizer.json";

/// Bytes read at a time.
const CHUNK: usize = 4 << 20;

impl Model {
    /// Opens the device, tests it, and reads the pack onto it. Where the choice is ours, a GPU on which no kernel is right is
    /// replaced by the CPU, which says why.
    pub async fn open(&self) -> Result<Extractor> {
        match (self.open_on(None).await, self.device) {
            (Err(Error::DeviceFailed { message, .. }), DeviceArgument::Auto) => {
                self.open_on(Some(Device::cpu_instead(message))).await
            }
            (opened, _) => opened,
        }
    }

    /// On this device, else on the one that was asked for.
    async fn open_on(&self, device: Option<Device>) -> Result<Extractor> {
        let json = read(&self.pack.join("pack.json"))?;
        let manifest = Manifest::parse(&String::from_utf8_lossy(&json))?;
        let weights = manifest.weights_file()?.clone();
        let path = self.pack.join(&weights.name);
        let mut file = File::open(&path).map_err(|error| file_error(&path, &error))?;
        let device = match device {
            Some(device) => device,
            None => self.device().await?,
        };
        let kept = kernels_file();
        if let Some(kernels) = kept.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) {
            device.use_kernels(&kernels);
        }
        let mut reader = PackReader::new(manifest, device.clone())?;
        let bar = bar(weights.bytes, "loading the model", "{bytes} of {total_bytes}");
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = file.read(&mut chunk).map_err(|error| file_error(&path, &error))?;
            if length == 0 {
                break;
            }
            reader.push(&chunk[..length])?;
            bar.inc(length as u64);
        }
        bar.finish_and_clear();
        let (manifest, clip) = reader.finish()?;
        clip.vision.prepare().await?;
        if let (Some(file), Some(kernels)) = (kept, device.kernels()) {
            keep(&file, &kernels);
        }
        Ok(Extractor::new(manifest, clip))
    }

    /// Reads the tokenizer, without which no caption can be read.
    pub fn tokenizer(&self, manifest: &Manifest) -> Result<Tokenizer> {
        let Some(own) = manifest.tokenizer.as_ref().filter(|_| self.tokenizer.is_none()) else {
            let json = read(self.tokenizer.as_deref().unwrap_or(Path::new(TOKENIZER)))?;
            return tokenizer::read(&json);
        };
        let json = read(&self.pack.join(&own.name))?;
        let found = PackFile::of(&own.name, &json);
        if found == *own {
            return tokenizer::read(&json);
        }
        Err(Error::PackHash { file: own.name.clone(), expected: own.sha256.clone(), got: found.sha256 })
    }

    async fn device(&self) -> Result<Device> {
        let preference = match self.device {
            DeviceArgument::Auto => Preference::Auto,
            DeviceArgument::Gpu => Preference::Gpu,
            DeviceArgument::Cpu => Preference::Cpu,
        };
        self_test::open(preference).await
    }
}

/// Where the choice of kernels is kept: `safelight/kernels.json` in the user's cache folder.
fn kernels_file() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|cache| cache.is_absolute());
    let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    Some(cache?.join("safelight/kernels.json"))
}

/// Where it cannot be written, the next run chooses again.
fn keep(file: &Path, kernels: &str) {
    if let Some(folder) = file.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let _ = std::fs::write(file, kernels);
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| file_error(path, &error))
}

/// Reads a picture's file, unless it is too long to be one.
pub fn read_picture(path: &Path) -> Result<Vec<u8>> {
    let length = std::fs::metadata(path).map_err(|error| file_error(path, &error))?.len();
    let limit = Limits::default().bytes;
    if length > limit {
        return Err(Error::PictureBytes { bytes: length, limit });
    }
    read(path)
}

/// Writes a whole file beside its place first, so that a full disk leaves no half of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    // After the whole name: `d3.1` and `d3.2` may be written at once.
    let part = path.with_added_extension("part");
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        // The part may not exist; what matters is the first error.
        let _ = std::fs::remove_file(&part);
        file_error(path, &error)
    })
}

/// [`Error::File`] from the system's words.
pub fn file_error(path: &Path, error: &std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), message: error.to_string() }
}

/// A bar on standard error; it draws nothing where that is no terminal.
pub fn bar(total: u64, what: &'static str, numbers: &str) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    // The template is constant; if it were wrong, the default style shows the same numbers.
    if let Ok(style) = ProgressStyle::with_template(&format!("{{msg}} {{wide_bar}} {numbers} {{eta}}")) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_whose_names_differ_after_a_dot_are_written_beside_different_places() {
        let folder = std::env::temp_dir().join(format!("safelight-write-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let of_another = folder.join("d3.part"); // where `d3.2` would lie for a moment
        std::fs::write(&of_another, b"half").unwrap();
        write(&folder.join("d3.1"), b"whole").unwrap();
        assert_eq!(
            (read(&folder.join("d3.1")).unwrap(), read(&of_another).unwrap()),
            (b"whole".into(), b"half".into())
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
