//! Plots are checked for what must be in them; how they look is for the eye.

use crate::support::Folder;

fn plot(folder: &Folder, arguments: &str) -> String {
    let output = folder.run(&format!("{arguments} --output answer.json --plot plot.svg"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(folder.path("plot.svg")).unwrap()
}

#[test]
fn every_class_has_a_mark_and_a_bar() {
    let folder = Folder::new();
    folder.file("square.csv", "0,0\n0,1\n1,1\n1,0\n");
    let svg = plot(&folder, "rips square.csv --max-dimension 1");
    // One in the legend, three that die, one that never does.
    assert_eq!(svg.matches("<circle class=\"mark c0\"").count(), 5);
    assert_eq!(svg.matches("<rect class=\"c0\"").count(), 4);
    // One in the legend, one class.
    assert_eq!(svg.matches("<polygon class=\"mark c1\"").count(), 2);
    assert_eq!(svg.matches("<rect class=\"c1\"").count(), 1);
    for text in [
        "birth",
        "death",
        "∞",
        "H0: 4, 1 never dies",
        "H1: 1",
        "prefers-color-scheme: dark",
    ] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn an_empty_diagram_has_axes() {
    let folder = Folder::new();
    folder.file("empty.csv", "");
    let svg = plot(&folder, "rips empty.csv --max-dimension 0");
    assert!(svg.contains("birth") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn many_classes_are_cut_to_what_can_be_seen_and_the_plot_says_so() {
    let folder = Folder::new();
    let points: String = (0..5000).map(|at| format!("{}\n", at * at)).collect();
    folder.file("line.csv", points);
    let svg = plot(&folder, "rips line.csv --max-dimension 0");
    assert!(svg.contains("the 150 longest of 5000") && svg.contains("the 3000 longest of each kind"));
    assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
}

#[test]
fn names_of_files_do_not_break_the_plot() {
    let folder = Folder::new();
    folder.file("a<b&c.csv", "0\n1\n");
    let svg = plot(&folder, "rips a<b&c.csv --max-dimension 0");
    assert!(svg.contains("a&lt;b&amp;c.csv"));
}

#[test]
fn windows_are_drawn_side_by_side() {
    let folder = Folder::new();
    folder.file("series.csv", "0\n1\n3\n7\n15\n");
    let svg = plot(&folder, "window series.csv --size 3 --slide 1 --max-dimension 0");
    // One in the legend, two deaths in each of three windows.
    assert_eq!(svg.matches("<circle class=\"mark c0\"").count(), 7);
    assert!(svg.contains("first row of the window") && svg.contains("lifetime"));
}
