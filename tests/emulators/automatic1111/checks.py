"""The request's fields and their types, checked as the server's pydantic models do: a 422 names the field.

The fields are those of the two request models (``StableDiffusionProcessingTxt2Img`` and ``…Img2Img``) that the notes,
webuiapi 0.9.17 and Forge use. Every one may also be null.
"""

from __future__ import annotations

from typing import Any

_BOTH: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "negative_prompt": (str,),
    "styles": (list,),
    "seed": (int,),
    "subseed": (int,),
    "subseed_strength": (int, float),
    "seed_resize_from_h": (int,),
    "seed_resize_from_w": (int,),
    "sampler_name": (str,),
    "sampler_index": (str,),
    "scheduler": (str,),
    "batch_size": (int,),
    "n_iter": (int,),
    "steps": (int,),
    "cfg_scale": (int, float),
    "distilled_cfg_scale": (int, float),  # Forge
    "width": (int,),
    "height": (int,),
    "restore_faces": (bool,),
    "tiling": (bool,),
    "do_not_save_samples": (bool,),
    "do_not_save_grid": (bool,),
    "eta": (int, float),
    "denoising_strength": (int, float),
    "s_churn": (int, float),
    "s_tmax": (int, float),
    "s_tmin": (int, float),
    "s_noise": (int, float),
    "override_settings": (dict,),
    "override_settings_restore_afterwards": (bool,),
    "script_name": (str,),
    "script_args": (list,),
    "send_images": (bool,),
    "save_images": (bool,),
    "alwayson_scripts": (dict,),
    "infotext": (str,),
}
_OF_TEXT: dict[str, tuple[type, ...]] = {
    "enable_hr": (bool,),
    "firstphase_width": (int,),
    "firstphase_height": (int,),
    "hr_scale": (int, float),
    "hr_upscaler": (str,),
    "hr_second_pass_steps": (int,),
    "hr_resize_x": (int,),
    "hr_resize_y": (int,),
    "hr_checkpoint_name": (str,),
    "hr_sampler_name": (str,),
    "hr_scheduler": (str,),
    "hr_prompt": (str,),
    "hr_negative_prompt": (str,),
}
_OF_IMAGE: dict[str, tuple[type, ...]] = {
    "init_images": (list,),
    "resize_mode": (int,),
    "image_cfg_scale": (int, float),
    "mask": (str,),
    "mask_blur": (int,),
    "inpainting_fill": (int,),
    "inpaint_full_res": (bool, int),
    "inpaint_full_res_padding": (int,),
    "inpainting_mask_invert": (int,),
    "initial_noise_multiplier": (int, float),
    "include_init_images": (bool,),
}
FIELDS = {"txt2img": {**_BOTH, **_OF_TEXT}, "img2img": {**_BOTH, **_OF_IMAGE}}
"""By endpoint: each field with the types it may have."""

_WORDS = {
    str: ("string_type", "Input should be a valid string"),
    bool: ("bool_type", "Input should be a valid boolean"),
    int: ("int_type", "Input should be a valid integer"),
    float: ("float_type", "Input should be a valid number"),
    list: ("list_type", "Input should be a valid list"),
    dict: ("dict_type", "Input should be a valid dictionary"),
}


def wrong_fields(mode: str, body: Any) -> list[dict[str, Any]]:
    """FastAPI's list of what is wrong with a request, empty if nothing is."""
    if not isinstance(body, dict):
        return [{"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary"}]
    wrong = []
    for name, kinds in FIELDS[mode].items():
        value = body.get(name)
        if value is None or (isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)):
            continue
        kind, words = _WORDS[kinds[-1]]
        wrong.append({"type": kind, "loc": ["body", name], "msg": words, "input": value})
    return wrong
