//! The real binary, away from any configuration of this machine.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A job in the box.
pub fn job(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../jobs").join(name);
    path.display().to_string()
}

pub fn submit_job(arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_submit-job"))
        .args(arguments)
        .current_dir(nowhere.path())
        .env_remove("BETTIFLOW_JOBMANAGER")
        .env_remove("BETTIFLOW_CONF")
        .output()
        .unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
