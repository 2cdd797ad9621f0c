//! `persistence`: persistent homology of a file, on the command line.
//!
//! Reads (`input`), computes with the crate `homology` (`commands`), writes JSON (`answer`) and SVG (`plot`).

mod answer;
mod arguments;
mod commands;
mod failure;
mod input;
mod measure;
mod plot;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use failure::Result;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("persistence: {failure}");
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Rips(arguments) => commands::rips::run(arguments),
        Command::Alpha(arguments) => commands::alpha::run(arguments),
        Command::Witness(arguments) => commands::witness::run(arguments),
        Command::Distance(arguments) => commands::distance::run(arguments),
        Command::Window(arguments) => commands::window::run(arguments),
    }
}
