//! Wrong words and wrong job files: what is said, and the exit code.

use std::path::Path;

use tests::submit::{job_file, shipped_job, submit_job, text};

fn run(arguments: &[&str]) -> (i32, String) {
    let output = submit_job(arguments).unwrap();
    (output.status.code().expect("it was not killed"), text(&output))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn all_mistakes_of_a_job_file_are_told_at_once_with_line_and_nearest_name() {
    let good = std::fs::read_to_string(job_file("windows.toml")).unwrap();
    let bad = good
        .replace("algorithm = \"vietoris_rips\"", "algorithm = \"vietoris_ribs\"")
        .replace("key-by = \"key\"", "key-bye = \"key\"")
        .replace("input = \"windows\"", "input = \"window\"");
    let line = |text: &str| bad.lines().position(|line| line.contains(text)).unwrap() + 1;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    std::fs::write(&file, &bad).unwrap();

    let (code, said) = run(&["--job", path(&file), "--dry-run"]);
    assert_eq!(code, 1, "{said}");
    for (mistake, nearest) in [
        ("vietoris_ribs", "vietoris_rips"),
        ("key-bye", "key-by"),
        ("input = \"window\"", "windows"),
    ] {
        let line = line(mistake);
        let place = format!("bad.toml:{line}");
        let told = said.lines().any(|told| told.contains(&place) && told.contains(nearest));
        assert!(told, "{mistake} at line {line}, nearest {nearest}, is not in:\n{said}");
    }
}

#[test]
fn shipped_jobs_can_be_planned_without_a_cluster() {
    for name in ["tda.toml", "generator.toml", "drift.toml", "throughput.toml"] {
        let (code, said) = run(&["--job", path(&shipped_job(name)), "--dry-run"]);
        assert_eq!(code, 0, "{name}: {said}");
        assert!(said.contains("window"), "{name}: {said}");
    }
}

#[test]
fn exit_codes_tell_refused_misused_and_unreachable_apart() {
    let job = job_file("windows.toml");
    let (code, said) = run(&["--job", path(&job), "--set", "paralelism=2", "--dry-run"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("parallelism"), "the nearest name is not in: {said}");
    assert_eq!(run(&["--no-such-flag"]).0, 2);
    assert_eq!(run(&[]).0, 2);
    // Port 1 is not listened on.
    assert_eq!(run(&["--list", "--jobmanager", "127.0.0.1:1"]).0, 3);
}
