//! `safelight` at a terminal: the same library, the same verdicts.

mod ablate;
mod bench_kernels;
mod bench_tower;
mod bench_training;
mod check;
mod curve;
mod d3;
mod decoding;
mod eval;
mod features;
mod folder;
mod loading;
mod models;
mod parity;
mod recipe;
mod tables;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tells whether a picture was made by a diffusion model, on this machine; nothing leaves it.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check pictures. Exit code 0: all checked, none generated; 1: at least one likely generated;
    /// 2: at least one could not be checked.
    Check(check::Arguments),
    /// Embed the pictures of a labelled folder once, for the other commands.
    Features(features::Arguments),
    /// Train a head on a labelled folder, with an audit before and honest figures after.
    Train(Box<train::Arguments>),
    /// Say what a head is worth on a labelled folder, by tier and source.
    Eval(eval::Arguments),
    /// Show what each part of the recipe brings on a labelled folder, in cross-validation.
    Ablate(ablate::Arguments),
    /// Show what a head gains from a few pictures of a source that it never saw.
    Curve(curve::Arguments),
    /// Add CLIP models, show and remove them.
    Models(models::Arguments),
    /// Compare what two devices, or two number types, say of the same pictures.
    #[command(hide = true)]
    Parity(parity::Arguments),
    /// Measure each kernel beside what the GPU can do.
    #[command(hide = true)]
    BenchKernels(bench_kernels::Arguments),
    /// Measure the image tower.
    #[command(hide = true)]
    BenchTower(bench_tower::Arguments),
    /// Measure the training step.
    #[command(hide = true)]
    BenchTraining(bench_training::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Check(arguments) => pollster::block_on(check::run(&arguments)),
        Command::Features(arguments) => pollster::block_on(features::run(&arguments)),
        Command::Train(arguments) => pollster::block_on(train::run(&arguments)),
        Command::Eval(arguments) => pollster::block_on(eval::run(&arguments)),
        Command::Ablate(arguments) => pollster::block_on(ablate::run(&arguments)),
        Command::Curve(arguments) => pollster::block_on(curve::run(&arguments)),
        Command::Models(arguments) => models::run(&arguments),
        Command::Parity(arguments) => pollster::block_on(parity::run(&arguments)),
        Command::BenchKernels(arguments) => pollster::block_on(bench_kernels::run(&arguments)),
        Command::BenchTower(arguments) => pollster::block_on(bench_tower::run(&arguments)),
        Command::BenchTraining(arguments) => pollster::block_on(bench_training::run(&arguments)),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("safelight: {error}");
        ExitCode::from(2)
    })
}
