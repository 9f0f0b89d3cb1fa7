"""The shape of a grid file's document, and its JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from sweep.grid.resources import Amounts, Gpus, Memory, Resources, Seconds

_OBJECT = {"type": "object", "additionalProperties": False}
_COUNT = {"type": "integer", "minimum": 1}
_LABEL = {"type": ["boolean", "number", "string"]}
_AXIS_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "array", "items": _LABEL, "minItems": 1, "description": "Labels of one kind; critical is T_c."},
        {
            **_OBJECT,
            "properties": {key: {"type": ["number", "string"]} for key in ("start", "stop", "step")},
            "required": ["start", "stop", "step"],
            "description": "start + i * step, the end included.",
        },
        {
            **_OBJECT,
            "properties": {"linspace": {"type": "array", "minItems": 3, "maxItems": 3}},
            "required": ["linspace"],
            "description": "[first, last, count], as numpy.linspace has them.",
        },
        {**_OBJECT, "properties": {"count": _COUNT}, "required": ["count"], "description": "0, 1, ... count - 1."},
        {"type": "string", "description": "One word; critical is T_c."},
        {**_COUNT, "description": "The count of an axis such as realisation; elsewhere write {count: N} or [N]."},
    ]
}
# `sweep.grid.axes` reads these forms, by the kind of labels that the axis has.
AxisForm = Annotated[Any, WithJsonSchema(_AXIS_SCHEMA)]
Selection = Annotated[Any, WithJsonSchema({"anyOf": [*_AXIS_SCHEMA["anyOf"][:4], _LABEL]})]


def _as_whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_as_whole)]


class InputForm(BaseModel):
    """What a stage reads: the name of an earlier stage, or that with a selection of its labels."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=lambda schema: schema.update({"type": ["object", "string"]}),
    )
    stage: str
    select: dict[str, Selection] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, form: Any) -> Any:
        return {"stage": form} if isinstance(form, str) else form


class StageForm(BaseModel):
    """A kernel mapped over named axes."""

    model_config = ConfigDict(extra="forbid")
    kernel: str
    axes: dict[str, AxisForm] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, InputForm] = Field(default_factory=dict)
    cpus: Whole = Field(default=1, ge=1, strict=True)
    gpus: Gpus | None = None
    memory: Memory | None = None
    resources: Amounts = Field(default_factory=dict)
    seconds: Seconds | None = None

    def taken(self, gpus: float) -> Resources:
        """Return what one task of the stage takes; so many GPUs where the stage does not say how many."""
        gpus = gpus if self.gpus is None else self.gpus
        return Resources(self.cpus, gpus, self.memory or 0, tuple(sorted(self.resources.items())), self.seconds)


class GridForm(BaseModel):
    """A grid file: a name, a seed and the stages."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    seed: Whole = Field(ge=0, strict=True)
    stages: dict[str, StageForm] = Field(min_length=1)
