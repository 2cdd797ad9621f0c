//! The real binary, away from any configuration of this machine.

use std::path::PathBuf;
use std::process::Command;

/// A job in the box.
pub fn job(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../jobs").join(name);
    path.display().to_string()
}

/// What the binary said, and its exit code.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn submit_job(arguments: &[&str]) -> Answer {
    let nowhere = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_submit-job"))
        .args(arguments)
        .current_dir(nowhere.path())
        .env_remove("BETTIFLOW_JOBMANAGER")
        .env_remove("BETTIFLOW_CONF")
        .output()
        .unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
pub fn check_contains(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is not in {text}");
}
