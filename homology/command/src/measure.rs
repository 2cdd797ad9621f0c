//! What a computation takes: CPU, wall clock, memory.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Measured {
    /// Of all threads of the process.
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    /// How much more memory was resident at the worst moment than before; where Linux does not tell, `None`.
    pub peak_bytes: Option<u64>,
}

/// Runs `compute` and says what it took.
pub fn measured<T>(compute: impl FnOnce() -> T) -> (T, Measured) {
    let before = reset_peak().and_then(|()| status_bytes("VmRSS:"));
    let (cpu, wall) = (cpu_seconds(), Instant::now());
    let answer = compute();
    let (cpu_seconds, wall_seconds) = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
    let peak = status_bytes("VmHWM:");
    let measured = Measured {
        cpu_seconds,
        wall_seconds,
        peak_bytes: before.zip(peak).map(|(before, peak)| peak.saturating_sub(before)),
    };
    (answer, measured)
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Linux forgets the peak of this process: see proc(5), clear_refs.
fn reset_peak() -> Option<()> {
    std::fs::write("/proc/self/clear_refs", "5").ok()
}

fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kilobytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_and_time_are_seen() {
        let (sum, measured) = measured(|| vec![1_u64; 8 << 20].iter().sum::<u64>());
        assert_eq!(sum, 8 << 20);
        // 64 MB, less what other tests of this process gave back meanwhile.
        assert!(measured.peak_bytes.unwrap() > 30 << 20, "{measured:?}");
        assert!(
            measured.cpu_seconds > 0.0 && measured.wall_seconds > 0.0,
            "{measured:?}"
        );
    }
}
