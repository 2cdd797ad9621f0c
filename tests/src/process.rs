//! Child processes that never outlive the test.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// A running binary of the workspace; killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; its output goes to `{dir}/{name}.log`, behind what an earlier process of that name wrote.
    pub fn start(name: &str, dir: &Path, command: &mut Command) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .context("the log cannot be written")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// SIGKILL: no chance to clean up.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Fails, with the end of its log, if the process has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} has ended ({status}):\n{}", self.name, self.log_tail(20));
        }
        Ok(())
    }

    /// The last `lines` lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<_> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A binary of the workspace, as a command.
pub fn binary(name: &str) -> Result<Command> {
    let path = match std::env::var_os("BETTIFLOW_BIN_DIR") {
        Some(dir) => PathBuf::from(dir).join(name),
        None => beside_the_test(OsStr::new(name))?,
    };
    if !path.is_file() {
        bail!(
            "{} is missing; run `cargo build --workspace --bins` first",
            path.display()
        );
    }
    let mut command = Command::new(path);
    // The logs of a failed test are for reading.
    command.env("RUST_BACKTRACE", "0").env("NO_COLOR", "1");
    Ok(command)
}

/// Tests run in `target/debug/deps`, binaries lie in `target/debug`.
fn beside_the_test(name: &OsStr) -> Result<PathBuf> {
    let test = std::env::current_exe().context("the path of the test is unknown")?;
    let profile = test
        .parent()
        .and_then(Path::parent)
        .context("the test lies in no target directory")?;
    Ok(profile.join(name))
}
