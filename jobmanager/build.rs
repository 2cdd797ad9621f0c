//! Sees to it that the folder of the built web page exists, so that the JobManager compiles without the page.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=web/dist");
    std::fs::create_dir_all("web/dist")
}
