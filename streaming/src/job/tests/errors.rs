//! What a user reads.

use proptest::prelude::*;

use super::*;

/// A job with one source, the given middle, and one sink reading `input`.
fn around(middle: &str, input: &str) -> String {
    format!(
        "[source.points]\nconnector = \"generator\"\n{middle}\n[sink.out]\nconnector = \"discard\"\ninput = {input}\n"
    )
}

/// The same with a source that reads records, two lines longer.
fn around_records(middle: &str, input: &str) -> String {
    let records = "connector = \"kafka\"\nbootstrap-servers = \"b\"\nformat = \"point-json\"";
    around(middle, input).replacen("connector = \"generator\"", records, 1)
}

#[test]
fn three_mistakes_are_three_errors_each_with_line_and_nearest_name() {
    let text = WHOLE
        .replace("kind = \"sliding\"", "kind = \"slidng\"")
        .replace("input = \"windows\"", "input = \"window\"")
        .replace("max-dimension =", "max-dimensions =");
    assert_eq!(
        errors(&text),
        [
            "job.toml:23:19: operator.windows.window.kind: \"slidng\" is none of tumbling, sliding, session; \
             did you mean \"sliding\"?",
            "job.toml:27:9: operator.persistence.input: there is no source or operator \"window\"; \
             did you mean \"windows\"?",
            "job.toml:28:1: operator.persistence.max-dimensions: unknown option \"max-dimensions\"; \
             did you mean \"max-dimension\"?",
        ]
    );
}

#[test]
fn an_error_shows_the_line_it_means() {
    let text = WHOLE.replace("kind = \"sliding\"", "kind = \"slidng\"");
    let errors = parse(&text, &Overrides::default()).unwrap_err();
    assert_eq!(
        errors.diagnostics[0].excerpt(),
        " 23 | window = { kind = \"slidng\", size = \"${window_size}\", slide = \"10s\" }\n    |                   ^^^^^^^^"
    );
}

#[test]
fn all_syntax_errors_are_reported_with_their_places() {
    let found = errors("name = \n[source.points]\nconnector = \"kafka\"\nconnector = \"kafka\"\n");
    assert!(found[0].starts_with("job.toml:1:"), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("job.toml:4:")), "{found:?}");
}

#[test]
fn an_empty_job_lacks_a_source_and_a_sink() {
    assert_eq!(
        errors(""),
        [
            "job.toml: source: the job has no source; add a table [source.NAME] with a connector",
            "job.toml: sink: the job has no sink; add a table [sink.NAME] with a connector",
        ]
    );
}

#[test]
fn a_sink_that_nobody_feeds_is_an_error() {
    let text = "[source.a]\nconnector = \"generator\"\n[sink.b]\nconnector = \"discard\"\n";
    assert_eq!(
        errors(text),
        ["job.toml:3:1: sink.b.input: input is missing; name a source or operator, or a side output as id.output"]
    );
    assert_eq!(
        errors(&around("", "[]")),
        ["job.toml:6:9: sink.out.input: the list is empty; name a source or operator"]
    );
}

#[test]
fn a_cycle_is_named_in_the_order_of_its_flow() {
    let middle = "[operator.a]\ntype = \"union\"\ninput = [\"points\", \"c\"]\n\
                  [operator.b]\ntype = \"union\"\ninput = \"a\"\n\
                  [operator.c]\ntype = \"union\"\ninput = \"b\"\n";
    assert_eq!(
        errors(&around(middle, "\"b\"")),
        [
            "job.toml:5:20: operator.a.input: the inputs form a cycle: a -> b -> c -> a; \
             close a loop through a topic instead"
        ]
    );
    let itself = "[operator.a]\ntype = \"union\"\ninput = \"a\"\n";
    assert!(errors(&around(itself, "\"a\""))[0].contains("cycle: a -> a;"));
}

#[test]
fn a_keyed_operator_needs_a_key() {
    let middle = "[operator.windows]\ntype = \"window\"\ninput = \"points\"\n";
    assert_eq!(
        errors(&around(middle, "\"windows\"")),
        [
            "job.toml:3:11: operator.windows.key-by: window keeps state by key, and what it reads is not keyed; \
             add key-by = \"key\""
        ]
    );
}

#[test]
fn rows_must_be_of_the_kind_that_is_taken() {
    let middle = "[operator.rips]\ntype = \"persistence\"\ninput = \"points\"\n";
    assert_eq!(
        errors(&around(middle, "\"rips\"")),
        ["job.toml:5:9: operator.rips.input: points gives points, but rips takes windows"]
    );
    let text = "[source.points]\nconnector = \"generator\"\n\
                [sink.out]\nconnector = \"kafka\"\ntopic = \"t\"\ninput = \"points\"\n";
    assert_eq!(
        errors(text),
        ["job.toml:6:9: sink.out.input: points gives points, but out takes diagrams or documents"]
    );
    let middle = "[operator.both]\ntype = \"union\"\ninput = [\"points\", \"points.bad\"]\n";
    assert_eq!(
        errors(&around_records(middle, "\"both\"")),
        [
            "job.toml:7:20: operator.both.input: points gives documents, the inputs before it points; \
             they cannot be one stream"
        ]
    );
}

#[test]
fn outputs_that_are_not_there_are_errors() {
    assert_eq!(
        errors(&around("", "\"points.bad\"")),
        ["job.toml:6:9: sink.out.input: points has no side output \"bad\", and no other"]
    );
    assert_eq!(
        errors(&around_records("", "[\"points.bda\", \"out\", \"points.late\"]")),
        [
            "job.toml:8:10: sink.out.input: points has no side output \"bda\"; did you mean \"bad\"?",
            "job.toml:8:24: sink.out.input: out is a sink, and a sink has no output",
            "job.toml:8:31: sink.out.input: points has no side output \"late\"; it has bad",
        ]
    );
}

#[test]
fn ids_are_unique_in_the_whole_job() {
    let middle = "[operator.out]\ntype = \"union\"\ninput = \"points\"\n";
    assert_eq!(
        errors(&around(middle, "\"points\"")),
        ["job.toml:7:7: sink.out: the id \"out\" is taken by operator.out; ids are unique in a job"]
    );
    assert_eq!(
        errors(&around("", "\"points\"").replace("[sink.out]", "[sink.\"o/u\"]")),
        ["job.toml:4:7: sink.o/u: \"o/u\" is not an id; an id has 1 to 100 letters, digits, - and _"]
    );
}

#[test]
fn unknown_types_connectors_and_formats_do_not_hide_other_mistakes() {
    let text = WHOLE
        .replace("type = \"window\"", "type = \"windw\"")
        .replace("connector = \"kafka\"\nbootstrap", "connector = \"kafak\"\nbootstrap")
        .replace(
            "topic = \"out\"",
            "topic = \"out\"\nformat = \"result-jsn\"\nparallelism = 0",
        );
    assert_eq!(
        errors(&text),
        [
            "job.toml:14:13: source.points.connector: \"kafak\" is none of kafka, generator; did you mean \"kafka\"?",
            "job.toml:20:8: operator.windows.type: \"windw\" is none of window, persistence, drift, union; \
             did you mean \"window\"?",
            "job.toml:37:10: sink.results.format: \"result-jsn\" is none of result-json; did you mean \"result-json\"?",
            "job.toml:38:15: sink.results.parallelism: 0 is not between 1 and 32767",
        ]
    );
}

#[test]
fn more_keyed_subtasks_than_key_groups_is_an_error() {
    let text = WHOLE.replace("[checkpointing]", "[operator.windows2]\ntype = \"window\"\ninput = \"points\"\nkey-by = \"key\"\nparallelism = 200\n[checkpointing]");
    assert_eq!(
        errors(&text),
        [
            "job.toml:10:11: operator.windows2.parallelism: 200 subtasks cannot share 128 key groups; \
             lower parallelism or raise max-parallelism"
        ]
    );
}

#[test]
fn checkpointing_and_restart_are_checked_too() {
    let text = WHOLE.replace(
        "interval = \"30s\"",
        "timeout = \"0s\"\nmod = \"exactly-once\"\nmax-concurrent-checkpoints = 2\n\
         [restart]\nstrategy = \"fixed-delay\"\ninitial-backoff = \"1s\"",
    );
    assert_eq!(
        errors(&text),
        [
            "job.toml:11:11: checkpointing.timeout: 0 is too short; it must be longer than that",
            "job.toml:12:1: checkpointing.mod: unknown option \"mod\"; did you mean \"mode\"?",
            "job.toml:13:30: checkpointing.max-concurrent-checkpoints: 2 is not possible: \
             one checkpoint is taken at a time; leave it out or set 1",
            "job.toml:16:1: restart.initial-backoff: unknown option \"initial-backoff\"; \
             known here: attempts, delay, strategy",
        ]
    );
}

#[test]
fn loose_ends_are_warnings() {
    let text = "[parameters]\nunused = 1\n[source.points]\nconnector = \"kafka\"\nbootstrap-servers = \"b\"\n\
                format = \"point-json\"\non-bad-record = \"dead-letter\"\n\
                [operator.loose]\ntype = \"union\"\ninput = \"points\"\n\
                [sink.out]\nconnector = \"discard\"\ninput = \"points\"\n";
    let warnings: Vec<_> = job(text).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "job.toml:2:1: parameters.unused: nothing names ${unused}",
            "job.toml:3:9: source.points: nobody reads points.bad; bad records are counted and dropped",
            "job.toml:8:11: operator.loose: nobody reads loose; its rows are dropped",
        ]
    );
    assert_eq!(job(WHOLE).warnings, []);
}

#[test]
fn there_is_an_end_to_how_much_a_job_may_hold() {
    let many: String = (0..1001)
        .map(|node| format!("[source.n{node}]\nconnector = \"generator\"\n"))
        .collect();
    assert!(errors(&many)[0].contains("1001 sources, operators and sinks are more than the 1000"));
    let inputs: Vec<_> = (0..65).map(|input| format!("\"n{input}\"")).collect();
    let found = errors(&around("", &format!("[{}]", inputs.join(", "))));
    assert!(
        found[0].ends_with("65 inputs are more than the 64 that there may be"),
        "{found:?}"
    );
}

proptest! {
    #[test]
    fn whatever_is_cut_out_or_put_in_gives_a_job_or_errors_with_places(
        start in 0..WHOLE.len(),
        length in 0usize..40,
        insert in "[\\[\\]{}\"$=.a-z0-9 \\n-]{0,12}",
    ) {
        let mut text = WHOLE.to_owned();
        text.replace_range(start..(start + length).min(WHOLE.len()), &insert);
        match parse(&text, &Overrides::default()) {
            Ok(job) => prop_assert!(!job.plan().vertices.is_empty()),
            Err(errors) => {
                prop_assert!(!errors.diagnostics.is_empty());
                for diagnostic in &errors.diagnostics {
                    if let Some(place) = &diagnostic.place {
                        prop_assert_eq!(text.lines().nth(place.line - 1).unwrap_or("").trim_end(), &place.source);
                    }
                    diagnostic.excerpt();
                }
            }
        }
    }
}
