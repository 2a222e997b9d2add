//! `safelight models`: the folder of packs, and what is added to it.
//!
//! | file | holds |
//! |---|---|
//! | `add` | from a checkpoint to a pack, in a stream that can be interrupted |
//! | `source`, `hub` | where a checkpoint's files lie: a folder, or the Hugging Face hub |
//! | `checks` | are these the files that were meant? |
//! | `unfinished` | a pack that is not whole yet, and what it was begun from |

mod add;
mod checks;
mod hub;
mod source;
mod unfinished;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use safelight::clip::pack::Manifest;
use safelight::{Error, Result};

use crate::loading;

#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of packs.
    #[arg(long, global = true, default_value = "models/packs")]
    packs: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a pack of a CLIP checkpoint in Hugging Face's form. The same command again goes on with one
    /// that was interrupted.
    Add(add::Arguments),
    /// Show the packs that are there.
    List,
    /// Delete a pack, or what there is of one that is not finished.
    Remove {
        /// Its id, as `list` shows it.
        id: String,
    },
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        Command::Add(add) => add::run(add, &arguments.packs)?,
        Command::List => list(&arguments.packs)?,
        Command::Remove { id } => remove(&arguments.packs, id)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(packs: &Path) -> Result<()> {
    let failed = |error: std::io::Error| loading::file_error(packs, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(packs).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    for name in names {
        if let Some(id) = name.strip_prefix(unfinished::PREFIX) {
            println!("{id}\n    not finished; the same `models add` goes on with it");
        } else if packs.join(&name).join("pack.json").is_file() {
            match describe(&packs.join(&name)) {
                Ok(words) => println!("{name}\n    {words}"),
                Err(error) => println!("{name}\n    cannot be used: {error}"),
            }
        }
    }
    Ok(())
}

fn describe(folder: &Path) -> Result<String> {
    let json = loading::read(&folder.join("pack.json"))?;
    let manifest = Manifest::parse(&String::from_utf8_lossy(&json))?;
    let towers = match (&manifest.clip.text, &manifest.tokenizer) {
        (None, _) => "image tower",
        (Some(_), None) => "image and text tower",
        (Some(_), Some(_)) => "image and text tower with its own tokenizer",
    };
    let megabytes = manifest.weights_file()?.bytes as f64 / 1e6;
    Ok(format!("{}: {towers}, {megabytes:.0} MB, licence {}\n    {}", manifest.name, manifest.licence, manifest.source))
}

fn remove(packs: &Path, id: &str) -> Result<()> {
    plain(id)?;
    let (whole, unfinished) = (packs.join(id), packs.join(format!("{}{id}", unfinished::PREFIX)));
    let folder = if whole.join("pack.json").is_file() { whole } else { unfinished };
    // Out of sight in one step, so that no half of a pack is ever found under its name.
    let doomed = packs.join(format!(".removing-{id}"));
    let renamed = fs::rename(&folder, &doomed).and_then(|()| fs::remove_dir_all(&doomed));
    renamed.map_err(|error| loading::file_error(&packs.join(id), &error))
}

/// Refuses an id that would not be a folder's name of its own.
fn plain(id: &str) -> Result<()> {
    let of_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if !id.is_empty() && !id.starts_with('.') && id.len() <= 100 && id.chars().all(of_name) {
        return Ok(());
    }
    let message = format!("“{id}” cannot name a model: use letters, digits, “-”, “_” and “.”");
    Err(Error::PackManifest { message })
}
