//! `runner/vm`: podcheck's suite in Debian virtual machines. Images and frozen machines are made once and kept, see
//! [`cache`]; each run restores one, see [`run`].

#![forbid(unsafe_code)]

mod accel;
mod cache;
mod cargo;
mod cli;
mod command;
mod commands;
mod control;
mod cpio;
mod deadline;
mod error;
mod freeze;
mod guest;
mod hardware;
mod image;
mod initrd;
mod interrupt;
mod job;
mod key;
mod kind;
mod life;
mod mirror;
mod modules;
mod packages;
mod progress;
mod qcow2;
mod qemu;
mod qmp;
mod results;
mod run;
mod suite;
mod table;
mod terminal;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let done = interrupt::watch().and_then(|()| commands::execute(arguments.command));
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            progress::say(&error.to_string());
            ExitCode::from(error.status())
        }
    }
}
