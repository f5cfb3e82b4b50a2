"""Real HLS streams, made by ffmpeg: two rungs with pictures, one without, and captions."""

import shutil
import subprocess
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

MASTER = "master.m3u8"
_RUNGS = "v:0,a:0,name:high v:1,a:1,name:low a:2,name:audio"
_SEGMENT_SECONDS = 2
_SUBTITLES = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="{name}",LANGUAGE="{language}",URI="{language}.m3u8"'
_LANGUAGES = {"id": "Bahasa Indonesia", "en": "English"}


def make_stream(folder: Path, *, seconds: int) -> Path:
    """Make a stream of so many seconds in a folder; skips where there is no ffmpeg."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("ffmpeg is not installed: no stream can be made")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *(ffmpeg, "-v", "error", "-nostdin"),
            *("-f", "lavfi", "-i", "testsrc=size=320x180:rate=10"),
            *("-f", "lavfi", "-i", "sine=frequency=440"),
            *("-t", str(seconds)),
            *("-filter_complex", "[0:v]split=2[a][b];[b]scale=160:90[c]"),
            *("-map", "[a]", "-map", "1:a", "-map", "[c]", "-map", "1:a", "-map", "1:a"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
            *("-g", "20", "-keyint_min", "20", "-sc_threshold", "0"),
            *("-b:v:0", "200k", "-b:v:1", "60k", "-c:a", "aac", "-b:a", "48k", "-ac", "1"),
            *("-f", "hls", "-hls_time", str(_SEGMENT_SECONDS), "-hls_playlist_type", "vod"),
            *("-hls_segment_filename", "%v-%03d.ts", "-master_pl_name", MASTER),
            *("-var_stream_map", _RUNGS, "%v.m3u8"),
        ],
        cwd=folder,
        check=True,
        timeout=300,
    )
    _add_captions(folder, seconds)
    return folder / MASTER


def origin_of_streams(folder: Path) -> FastAPI:
    """Serve streams as a network for them would: to pages from anywhere."""
    app = FastAPI()
    app.mount("/", StaticFiles(directory=folder))
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    return app


def _add_captions(folder: Path, seconds: int) -> None:
    """Name subtitles in the master playlist, for the rungs with pictures, and write them."""
    lines = (folder / MASTER).read_text(encoding="ascii").splitlines()
    listed = [
        f'{line},SUBTITLES="subs"' if line.startswith("#EXT-X-STREAM-INF") else line
        for line in lines
    ]
    named = [
        _SUBTITLES.format(name=name, language=language) for language, name in _LANGUAGES.items()
    ]
    (folder / MASTER).write_text("\n".join([*listed[:2], *named, *listed[2:], ""]), "utf-8")
    for language, name in _LANGUAGES.items():
        cue = f"WEBVTT\n\n00:00.000 --> {seconds // 60:02}:{seconds % 60:02}.000\n{name}\n"
        (folder / f"{language}.vtt").write_text(cue, encoding="utf-8")
        playlist = [
            *("#EXTM3U", f"#EXT-X-TARGETDURATION:{seconds}", "#EXT-X-PLAYLIST-TYPE:VOD"),
            *(f"#EXTINF:{seconds}.0,", f"{language}.vtt", "#EXT-X-ENDLIST", ""),
        ]
        (folder / f"{language}.m3u8").write_text("\n".join(playlist), encoding="ascii")
