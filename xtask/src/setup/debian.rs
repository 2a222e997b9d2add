//! Debian packages, each known by what it brings, so that other systems may bring the same in their own way.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::command::{command, find, output, run};

/// A Debian package.
pub struct Package {
    name: &'static str,
    is_here: fn() -> bool,
}

/// Both browsers, what drives Chromium, a WebGPU adapter for Firefox without a GPU, and a font for the page.
pub const BROWSERS: &[Package] = &[
    Package { name: "chromium", is_here: || find("chromium").is_some() },
    Package { name: "chromium-driver", is_here: || find("chromedriver").is_some() },
    Package { name: "firefox-esr", is_here: || find("firefox-esr").is_some() },
    Package { name: "mesa-vulkan-drivers", is_here: || lavapipe().is_some() },
    Package { name: "fonts-dejavu-core", is_here: || Path::new("/usr/share/fonts/truetype/dejavu").is_dir() },
];

/// Installs the packages that are missing: as root with apt-get, else an error that says what to type.
pub fn ensure(root: &Path, packages: &[Package]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| !(package.is_here)()).map(|package| package.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let is_root = output("id", &["-u"]).is_some_and(|id| id == "0");
    if !is_root || find("apt-get").is_none() {
        bail!("Please install what is missing: sudo apt-get install {}", missing.join(" "));
    }
    let apt = |arguments: &[&str]| {
        let mut apt = command(root, "apt-get", arguments);
        run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "--quiet"])?;
    apt(&[&["install", "--quiet", "--yes", "--no-install-recommends"], missing.as_slice()].concat())
}

/// The description of Mesa's software Vulkan driver; its name differs between versions of Mesa.
pub fn lavapipe() -> Option<PathBuf> {
    let drivers = fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
    (drivers.flatten())
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd")))
}
