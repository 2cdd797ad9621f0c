//! A folder of input files, and the binary run in it.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, so that commands can name it.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    /// Runs `persistence` with arguments separated by blanks.
    pub fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_persistence"))
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// The answer of a run that must succeed.
    pub fn answer(&self, arguments: &str) -> Value {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments}: {error}");
        assert_eq!(error, "", "{arguments}: silent where no terminal is");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Like [`Self::answer`], into a file.
    pub fn answer_to_file(&self, arguments: &str, name: &str) {
        let output = self.run(&format!("{arguments} --output {name}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The sentence with which a run must fail with `code`, without the name of the program.
    pub fn failure(&self, arguments: &str, code: i32) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {error}");
        assert!(output.stdout.is_empty(), "{arguments}: no answer beside an error");
        let sentence = error.strip_prefix("persistence: ").unwrap_or_else(|| panic!("{error}"));
        assert_eq!(sentence.lines().count(), 1, "one sentence: {sentence}");
        sentence.trim_end().to_owned()
    }
}

/// NumPy's format, version 1.
pub fn npy(descriptor: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

pub fn npy_f64(shape: &str, values: &[f64]) -> Vec<u8> {
    npy(
        "<f8",
        shape,
        &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>(),
    )
}
