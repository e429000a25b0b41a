"""Hosted picture services for charimg, one module a service, each with its own hooks.

::

    replicate    generator and uploader    Replicate: many models, paid by the picture
    fal          generator and uploader    fal.ai: many models, paid by the picture
    bfl          generator                 Black Forest Labs: FLUX
    stability    generator                 Stability AI
    huggingface  generator                 Hugging Face inference
    aihorde      generator                 AI Horde: volunteers' machines, without an account

The services have little in common but the shape "submit, then poll", which is the core's
(:mod:`charimg.polling`). So they share nothing here: the entry point of a service names its own module, and what is
wrong with one is no concern of the others.
"""
