//! Standard output that may be closed by its reader: `submit-job --list | head -1` is no error.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Writes text to standard output. Ends the process in silence when nobody reads any more.
pub fn write(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("error: cannot write to standard output: {error}");
            std::process::exit(1);
        }
        std::process::exit(0);
    }
}

/// Prints a line.
macro_rules! line {
    () => { $crate::out::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::out::write(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use line;
