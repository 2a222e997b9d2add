//! `safelight curve`: what a head gains from a few pictures of a source that it never saw.

use std::path::PathBuf;
use std::process::ExitCode;

use safelight::head::{Head, HeadFile};
use safelight::train::curve::{Point, curve};
use safelight::train::data::set::TrainingSet;
use safelight::treatment::Treatment;
use safelight::{Error, Result};
use serde_json::json;

use crate::features::Pictures;
use crate::recipe::Recipe;
use crate::{loading, tables};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pictures: Pictures,
    /// The head to start from.
    #[arg(long, default_value = "models/heads/clip-vit-base-patch16-int8.safetensors")]
    head: PathBuf,
    #[command(flatten)]
    recipe: Recipe,
    /// Pictures of each class to learn from.
    #[arg(long, value_delimiter = ',', default_value = "10,25,50,100")]
    counts: Vec<usize>,
    /// Draws of those pictures.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// A curve of its own for these sources: NAME=SOURCE,SOURCE. Without, one for all pictures together.
    #[arg(long, value_parser = group)]
    group: Vec<(String, Vec<String>)>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let base = HeadFile::read(&loading::read(&arguments.head)?)?;
    let spec = &base.info.features;
    let file = arguments.pictures.features(&spec.views, &Treatment::TIERS).await?;
    Head::new(&base).require(&file.kind.pack.id, &file.kind.pack.sha256, file.kind.shape)?;
    let set = file.training_set(spec)?;
    let config = arguments.recipe.config_or("fine-tune")?;
    let groups = match &arguments.group[..] {
        [] => vec![("all".to_owned(), set)],
        groups => {
            groups.iter().map(|(name, sources)| Ok((name.clone(), of(&set, name, sources)?))).collect::<Result<_>>()?
        }
    };
    let mut curves = Vec::new();
    for (name, set) in &groups {
        eprintln!("{name}: {} pictures", set.len());
        curves.push((name, curve(set, &base, &config, &arguments.counts, arguments.seeds, &mut ()).await?));
    }
    if arguments.json {
        let curves = curves.iter().map(|(name, points)| json!({ "group": name, "points": points }));
        println!("{}", json!({ "curves": curves.collect::<Vec<_>>() }));
    } else {
        println!("{}", as_table(&curves));
    }
    Ok(ExitCode::SUCCESS)
}

/// The pictures of these sources.
fn of(set: &TrainingSet, name: &str, sources: &[String]) -> Result<TrainingSet> {
    let chosen: Vec<usize> = (0..set.len()).filter(|&index| sources.contains(&set.pictures[index].source)).collect();
    let part = set.subset(&chosen);
    let unknown = sources.iter().find(|source| part.pictures.iter().all(|picture| picture.source != **source));
    match unknown {
        Some(source) => {
            Err(Error::TrainingSet { message: format!("the group {name} names a source without pictures: {source}") })
        }
        None => Ok(part),
    }
}

fn as_table(curves: &[(&String, Vec<Point>)]) -> String {
    let mut rows =
        vec![["source", "learnt a class", "judged", "tier", "AUC (95 %)", "± over draws"].map(str::to_owned)];
    for (name, points) in curves {
        for point in points {
            for (at, (tier, areas)) in point.tiers.iter().enumerate() {
                let first = |text: String| if at == 0 { text } else { String::new() };
                rows.push([
                    first((*name).clone()),
                    first(point.count.to_string()),
                    first(point.judged.to_string()),
                    tier.clone(),
                    tables::estimate(&tables::mean(areas)),
                    format!("{:.3}", tables::deviation(areas)),
                ]);
            }
        }
    }
    format!("{}\nIntervals are of the judged pictures, by bootstrap; means over the draws.", tables::aligned(&rows))
}

/// `NAME=SOURCE,SOURCE`, for the command line.
fn group(text: &str) -> std::result::Result<(String, Vec<String>), String> {
    let (name, sources) = text.split_once('=').ok_or("this is not of the form NAME=SOURCE,SOURCE")?;
    Ok((name.to_owned(), sources.split(',').map(str::to_owned).collect()))
}
