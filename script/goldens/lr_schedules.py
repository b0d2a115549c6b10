"""Learning rates of PyTorch's schedules over whole runs (test/training/schedules.test.ts):

    python3 script/goldens/lr_schedules.py test/fixtures/training/lr_schedules.json

Options are written as Octavo spells them. A run has one rate for each step, the first before any `step()`.
"""

import json
import sys
import warnings

import torch
from torch.optim import lr_scheduler

warnings.filterwarnings("ignore")

CASES = [
    ("CosineAnnealingLR", {"T_max": 20}, 50),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.003}, 30),
    ("CosineAnnealingLR", {"T_max": 1}, 4),
    ("StepLR", {"step_size": 5}, 23),
    ("StepLR", {"step_size": 3, "gamma": 0.7}, 40),
    ("LinearLR", {}, 10),
    ("LinearLR", {"start_factor": 0.01, "total_iters": 12}, 20),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 9}, 12),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 50}, 50),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 33, "pct_start": 0.45, "div_factor": 10.0, "final_div_factor": 100.0}, 33),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 8, "pct_start": 1.0}, 8),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 8, "pct_start": 0.0}, 8),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 1}, 1),
]

SEQUENCES = [
    ([("LinearLR", {"start_factor": 0.1, "total_iters": 6}), ("CosineAnnealingLR", {"T_max": 20})], [6], 30),
    (
        [
            ("LinearLR", {"start_factor": 0.5, "total_iters": 4}),
            ("StepLR", {"step_size": 2, "gamma": 0.5}),
            ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
        ],
        [4, 11],
        25,
    ),
]

LR = 0.1


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def make(name, sgd, options):
    extra = {"cycle_momentum": False} if name == "OneCycleLR" else {}
    return getattr(lr_scheduler, name)(sgd, **options, **extra)


def run(sgd, schedule, steps):
    rates = []
    for _ in range(steps):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        if len(rates) < steps:
            schedule.step()
    return rates


def camel(name):
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def spelled(options):
    return {camel(name): value for name, value in options.items()}


written = []
for name, options, steps in CASES:
    sgd = optimizer()
    written.append({"name": name, "options": spelled(options), "rates": run(sgd, make(name, sgd, options), steps)})
for parts, milestones, steps in SEQUENCES:
    sgd = optimizer()
    schedule = lr_scheduler.SequentialLR(sgd, [make(name, sgd, options) for name, options in parts], milestones)
    written.append(
        {
            "name": "SequentialLR",
            "schedulers": [{"name": name, "options": spelled(options)} for name, options in parts],
            "milestones": milestones,
            "rates": run(sgd, schedule, steps),
        }
    )
with open(sys.argv[1], "w") as file:
    json.dump({"lr": LR, "cases": written}, file, separators=(",", ":"))
