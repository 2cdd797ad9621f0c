//! The built web page, inside the binary.

use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

/// `build.rs` sees to it that the folder exists; without a build of the page it is empty.
#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Page;

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Bettiflow</title><p>The web page is not part of this \
binary. Build it with <code>npm ci &amp;&amp; npm run build</code> in <code>jobmanager/web</code>, then build the JobManager \
again. <a href=\"jobs/overview\">REST</a> works without it.";

/// A file of the page; nothing where there is none of that name.
pub fn page(uri: &Uri) -> Option<Response> {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = Page::get(path) else {
        return (path == "index.html").then(|| Html(NOT_BUILT).into_response());
    };
    // Names below assets/ carry a hash of their content.
    let keep = if path.starts_with("assets/") {
        "max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [(header::CONTENT_TYPE, mime(path)), (header::CACHE_CONTROL, keep)];
    Some((StatusCode::OK, headers, file.data).into_response())
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "ico" => "image/x-icon",
        _ => "application/octet-stream",
    }
}
