//! Everything that works without a cluster.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;

use support::{check_contains, job, submit_job};

#[test]
fn the_streaming_job_is_explained_with_both_graphs() {
    let output = submit_job(&["--job", &job("tda.toml"), "--explain"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(
        output.stdout,
        "\
Job tda-streaming
  parallelism  4
  key groups   128
  needs        4 slots, for 12 tasks
  state under  points, windows, persistence
  checkpoints  every 30 s, exactly-once, time-out 10 min, unaligned, 10 may fail, 1 kept
  restart      exponential-delay: 100 ms to 1 min, times 1.5, jitter 0.1, reset after 1 h

Logical graph
  points       source kafka          x4
  windows      operator window       x4  key-by, state by key  <- points
  persistence  operator persistence  x4  state by key          <- windows
  results      sink kafka            x4                        <- persistence
  errors       sink kafka            x4                        <- points.bad, windows.late, persistence.failed

Physical graph
  [0] Source: points  x4
      |  points of [0]: hash, by key over 128 key groups
      v
  [1] windows -> persistence -> Sink: results  x4
      |  points.bad of [0]: forward, subtask to subtask
      |  windows.late of [1]: forward, subtask to subtask
      |  persistence.failed of [1]: forward, subtask to subtask
      v
  [2] Sink: errors  x4
"
    );
}

#[test]
fn every_job_in_the_box_is_right_and_has_no_loose_ends() {
    for name in ["tda.toml", "generator.toml", "throughput.toml"] {
        let output = submit_job(&["--job", &job(name), "--dry-run"]);
        assert_eq!(output.code, Some(0), "{name}: {}", output.stderr);
        assert_eq!(output.stderr, "", "{name}");
    }
}

#[test]
fn a_flat_configuration_file_and_flags_work_on_the_streaming_job_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("settings.json");
    let settings = r#"{"job_name": "mine", "parallelism": 2, "checkpoint_interval": 5000, "window_size": 100,
        "slide_interval": 10, "window_timeout": "30s", "max_dimension": 1,
        "kafka_bootstrap_servers": "broker:9092", "input_topic": "in", "output_topic": "out"}"#;
    fs::write(&config, settings).unwrap();
    let config = config.display().to_string();
    let arguments = [
        "--job",
        &job("tda.toml"),
        "--config",
        &config,
        "--parallelism",
        "3",
        "--window-size",
        "500",
    ];
    let output = submit_job(&[&arguments[..], &["--dry-run", "--verbose"]].concat());
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    check_contains(&output.stdout, "Job mine\n  parallelism  3\n");
    check_contains(&output.stdout, "every 5 s");
    for line in [
        "size = 500",
        "slide = 10",
        "bootstrap-servers = \"broker:9092\"",
        "topic = \"out\"",
        "max-dimension = 1",
    ] {
        check_contains(&output.stderr, line);
    }
}

#[test]
fn three_mistakes_give_three_errors_with_line_and_nearest_name_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    let text = fs::read_to_string(job("tda.toml")).unwrap();
    let text = text
        .replace("kind = \"sliding\"", "kind = \"slidng\"")
        .replace("input = \"windows\"", "input = \"window\"")
        .replace("max-edge-length =", "max-edge-lenght =");
    fs::write(&path, &text).unwrap();
    let path = path.display().to_string();
    let output = submit_job(&["--job", &path, "--explain"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    let line_of = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let errors = output.stderr;
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(errors.len(), 4, "{errors:#?}");
    let expected = [
        (
            line_of("slidng"),
            "operator.windows.window.kind: \"slidng\" is none of",
            "did you mean \"sliding\"?",
        ),
        (
            line_of("input = \"window\""),
            "there is no source or operator \"window\"",
            "did you mean \"windows\"?",
        ),
        (
            line_of("lenght"),
            "unknown option \"max-edge-lenght\"",
            "did you mean \"max-edge-length\"?",
        ),
    ];
    for (error, (line, what, near)) in errors.iter().zip(expected) {
        assert!(error.starts_with(&format!("{path}:{line}:")), "{error}");
        assert!(error.contains(what) && error.ends_with(near), "{error}");
    }
    assert_eq!(errors[3], "error: the job has 3 mistakes");

    let output = submit_job(&["--job", &path, "--explain", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(answer["errors"].as_array().unwrap().len(), 3);
    assert_eq!(answer["errors"][0]["place"]["line"], line_of("slidng"));
    assert_eq!(answer["errors"][0]["key"], "operator.windows.window.kind");
}

#[test]
fn flink_conf_holds_for_jobs_that_say_nothing_and_command_line_options_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("flink-conf.yaml");
    fs::write(
        &conf,
        "execution.checkpointing.num-retained: 7\nrestart-strategy.type: none\n",
    )
    .unwrap();
    let conf = conf.display().to_string();
    let throughput = job("throughput.toml");
    let arguments = ["--job", &throughput, "--explain", "--flink-conf", &conf];
    let arguments = [&arguments[..], &["-D", "execution.checkpointing.timeout=2 min"]].concat();
    let text = submit_job(&arguments).stdout;
    assert!(text.contains("7 kept") && text.contains("time-out 2 min"), "{text}");
    assert!(text.contains("none: the first failure fails the job"), "{text}");
}

#[test]
fn wrong_usage_is_2_what_is_not_there_yet_is_1_and_no_cluster_is_3() {
    assert_eq!(submit_job(&[]).code, Some(2));
    assert_eq!(submit_job(&["--list", "--cancel", "x"]).code, Some(2));
    assert_eq!(submit_job(&["--list", "--set", "a=b"]).code, Some(2));
    assert_eq!(submit_job(&["--status", "--all"]).code, Some(2));
    let stop = submit_job(&["--stop", "x"]);
    assert_eq!(stop.code, Some(1));
    check_contains(&stop.stderr, "--stop is not available yet");
    // Port 1 of this machine: nobody listens there.
    let list = submit_job(&["--list", "--jobmanager", "127.0.0.1:1"]);
    assert_eq!(list.code, Some(3));
    check_contains(&list.stderr, "no JobManager answers at 127.0.0.1:1");
    let missing = submit_job(&["--job", "nowhere.toml", "--explain"]);
    assert_eq!(missing.code, Some(1));
    check_contains(&missing.stderr, "nowhere.toml cannot be read");
}
