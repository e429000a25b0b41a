"""Tests of the providers that live in the core package."""
