//! Parameters, and who has the last word.

use std::time::Duration;

use super::*;
use crate::job::{Assignment, ConfigFile, Mode, Restart};

fn config(name: &str, text: &str) -> Overrides {
    Overrides {
        config: Some(ConfigFile {
            name: name.into(),
            text: text.into(),
        }),
        ..Overrides::default()
    }
}

fn set(name: &str, value: &str) -> Assignment {
    Assignment {
        name: name.into(),
        value: value.into(),
        flag: "--set".into(),
    }
}

fn options(job: &Job, id: &str) -> serde_json::Value {
    let node = job.graph.nodes.iter().find(|node| node.id == id).unwrap();
    serde_json::from_str(&node.options).unwrap()
}

#[test]
fn a_reference_alone_takes_the_type_and_inside_a_text_it_is_text() {
    let job = job(WHOLE);
    assert_eq!(options(&job, "persistence")["max-dimension"], 2);
    assert_eq!(
        options(&job, "points")["topics"],
        serde_json::json!(["in", "in-replay"])
    );
    assert_eq!((job.parallelism, job.name.as_str()), (4, "job"));
}

#[test]
fn the_command_line_wins_over_the_config_file_and_that_over_the_defaults() {
    let mut overrides = config(
        "settings.json",
        r#"{"max_dimension": 1, "window_size": 100, "parallelism": 2}"#,
    );
    overrides.defaults.insert("parallelism.default".into(), "9".into());
    let from_config = parse(WHOLE, &overrides).unwrap();
    assert_eq!(options(&from_config, "persistence")["max-dimension"], 1);
    assert_eq!(options(&from_config, "windows")["window"]["size"], 100);
    assert_eq!(from_config.parallelism, 2);

    overrides.command_line = vec![set("max_dimension", "0"), set("window_size", "5min"), set("topic", "7")];
    overrides.parallelism = Some(3);
    let from_all = parse(WHOLE, &overrides).unwrap();
    assert_eq!(options(&from_all, "persistence")["max-dimension"], 0);
    assert_eq!(options(&from_all, "windows")["window"]["size"], "5min");
    assert_eq!(options(&from_all, "points")["topics"][0], "7");
    assert_eq!(from_all.parallelism, 3);
}

#[test]
fn a_number_of_points_takes_the_place_of_a_duration() {
    let overrides = Overrides {
        command_line: vec![set("window_size", "500")],
        ..Overrides::default()
    };
    assert_eq!(
        options(&parse(WHOLE, &overrides).unwrap(), "windows")["window"]["size"],
        500
    );
}

#[test]
fn a_config_file_may_only_name_what_is_declared() {
    assert_eq!(
        errors_with(
            WHOLE,
            &config(
                "s.json",
                "{\n  \"windowsize\": \"1s\",\n  \"max_dimension\": \"two\"\n}"
            )
        ),
        [
            "s.json:2:3: windowsize: the job declares no parameter \"windowsize\"; did you mean \"window_size\"?",
            "s.json:3:3: max_dimension: expected a whole number, as its default is the number 2; \
             found the text \"two\"",
        ]
    );
    assert_eq!(
        errors_with(WHOLE, &config("s.toml", "topic = \"a\"\nparalelism = 4\n")),
        ["s.toml:2:14: paralelism: the job declares no parameter \"paralelism\"; did you mean \"parallelism\"?"]
    );
    assert!(errors_with(WHOLE, &config("s.json", "{"))[0].starts_with("s.json: "));
}

#[test]
fn a_bad_value_points_into_the_job_and_names_its_origin() {
    let overrides = Overrides {
        command_line: vec![set("max_dimension", "9"), set("tpoic", "x")],
        ..Overrides::default()
    };
    assert_eq!(
        errors_with(WHOLE, &overrides),
        [
            "command line: --set tpoic: the job declares no parameter \"tpoic\"; did you mean \"topic\"?",
            "job.toml:28:17: operator.persistence.max-dimension: 9 is not between 0 and 5 \
             (${max_dimension} is 9 from --set)",
        ]
    );
}

#[test]
fn references_to_nothing_are_errors() {
    let text = WHOLE
        .replace("\"${max_dimension}\"", "\"${max_dimesnion}\"")
        .replace("\"localhost:9092\"", "\"${env:KAFKA}\"")
        .replace("topic = \"out\"", "topic = \"${topic\"");
    assert_eq!(
        errors(&text),
        [
            "job.toml:15:21: source.points.bootstrap-servers: the environment variable KAFKA is not set",
            "job.toml:28:17: operator.persistence.max-dimension: the job declares no parameter \"max_dimesnion\"; \
             did you mean \"max_dimension\"?",
            "job.toml:36:9: sink.results.topic: \"${topic\" opens ${ and does not close it with }",
        ]
    );
}

#[test]
fn secrets_reach_the_node_and_nothing_that_is_shown() {
    let text = WHOLE
        .replace(
            "format = \"point-json\"",
            "format = \"point-json\"\npassword = \"pre-${secret}\"",
        )
        .replace("topic = \"in\"", "topic = \"in\"\nsecret = \"${env:PASSWORD}\"");
    let job = job(&text);
    assert_eq!(options(&job, "points")["password"], "pre-hunter2");
    assert_eq!(job.secrets, ["hunter2"]);
    assert!(job.to_json().contains("hunter2"));
    assert!(
        job.to_toml().contains("password = \"pre-${env:PASSWORD}\""),
        "{}",
        job.to_toml()
    );
    assert_eq!(crate::job::redact("x hunter2 y", &job.secrets), "x ****** y");
}

#[test]
fn an_error_does_not_show_a_secret() {
    let text = WHOLE.replace("\"${max_dimension}\"", "\"${env:PASSWORD}\"");
    assert_eq!(
        errors(&text)[0],
        "job.toml:28:17: operator.persistence.max-dimension: expected a whole number, found the text \"******\""
    );
}

#[test]
fn flink_conf_holds_where_the_job_says_nothing() {
    let conf = [
        ("execution.checkpointing.interval", "10 s"),
        ("execution.checkpointing.mode", "AT_LEAST_ONCE"),
        (
            "execution.checkpointing.externalized-checkpoint-retention",
            "RETAIN_ON_CANCELLATION",
        ),
        ("restart-strategy.type", "fixed-delay"),
        ("restart-strategy.fixed-delay.attempts", "7"),
        ("restart-strategy.failure-rate.delay", "1 s"),
        ("taskmanager.numberOfTaskSlots", "4"),
    ];
    let mut overrides = Overrides {
        defaults: conf.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Overrides::default()
    };
    let job = parse(WHOLE, &overrides).unwrap();
    let checkpointing = job.checkpointing.as_ref().unwrap();
    assert_eq!(checkpointing.interval, Duration::from_secs(30));
    assert_eq!(checkpointing.mode, Mode::AtLeastOnce);
    assert!(checkpointing.retain_on_cancel);
    let restart = Restart::FixedDelay {
        attempts: 7,
        delay: Duration::from_secs(1),
    };
    assert_eq!(job.restart, restart);

    overrides
        .defaults
        .insert("execution.checkpointing.timeout".into(), "soon".into());
    assert_eq!(
        errors_with(WHOLE, &overrides),
        ["flink-conf.yaml: execution.checkpointing.timeout: \
             expected a duration such as \"10s\", \"500ms\", \"5min\", found the text \"soon\""]
    );
}

#[test]
fn a_stored_job_is_completed_without_changing_its_order() {
    let conf = [
        ("execution.checkpointing.interval", "7 s"),
        ("execution.checkpointing.timeout", "8 s"),
    ];
    let conf = conf.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let stored = job(WHOLE);
    let completed = crate::job::with_defaults(&stored.to_json(), &conf).unwrap();
    let again = Job::from_json_with(&completed, &VOCABULARY).unwrap();
    let checkpointing = again.checkpointing.unwrap();
    assert_eq!(checkpointing.interval, Duration::from_secs(30));
    assert_eq!(checkpointing.timeout, Duration::from_secs(8));
    assert_eq!(again.graph, stored.graph);
}

#[test]
fn jobs_back_off_when_they_take_checkpoints_and_stop_when_not() {
    assert_eq!(job(WHOLE).restart.name(), "exponential-delay");
    let without = WHOLE.replace("interval = \"30s\"", "");
    assert_eq!(job(&without).restart, Restart::None);
    assert_eq!(job(&without).checkpointing, None);
    let zero = job(&WHOLE.replace("interval = \"30s\"", "interval = 0"));
    assert_eq!((zero.checkpointing, zero.restart), (None, Restart::None));
}

#[test]
fn the_resolved_job_reads_back_as_the_same_job() {
    let overrides = Overrides {
        command_line: vec![set("topic", "$${literal}")],
        ..Overrides::default()
    };
    let job = parse(WHOLE, &overrides).unwrap();
    let again = Job::from_json_with(&job.to_json(), &VOCABULARY).unwrap();
    assert_eq!(again.graph, job.graph);
    assert_eq!(again.plan(), job.plan());
    assert_eq!(again.to_json(), job.to_json());
    assert_eq!(options(&again, "points")["topics"][0], "${literal}");
    assert_eq!((again.checkpointing, again.restart), (job.checkpointing, job.restart));
    assert!(Job::from_json_with("{\"name\": 1}", &VOCABULARY).is_err());
}
