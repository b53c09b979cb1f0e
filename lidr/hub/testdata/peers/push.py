"""Sends a folder to the hub at HF_ENDPOINT by huggingface_hub, as one commit, without Xet.

usage: push.py KIND ORG/NAME FOLDER
"""
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "0"
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import huggingface_hub

kind, name, folder = sys.argv[1:]
api = huggingface_hub.HfApi(endpoint=os.environ["HF_ENDPOINT"], token=os.environ["HF_TOKEN"])
api.create_repo(name, repo_type=kind, private=True, exist_ok=True, **({"space_sdk": "static"} if kind == "space" else {}))
api.upload_folder(repo_id=name, repo_type=kind, folder_path=folder, commit_message="Upload M1")
