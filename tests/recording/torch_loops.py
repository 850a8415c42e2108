"""How do people train with PyTorch? Loops of six steps: in low precision, accumulated, clipped, with closures."""

import torch
from torch import nn


def mlp():
    """Dropout and batch norm: random numbers and moving averages that a disturbed step would change."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(8, 3))


def batches(steps=6):
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(8 * steps, 4, generator=generator)
    y = torch.randint(0, 3, (8 * steps,), generator=generator)
    return list(zip(x.split(8), y.split(8), strict=True))


def plain(model, optimizer, criterion, steps=6):
    for x, y in batches(steps):
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()


def in_bfloat16(model, optimizer, criterion):
    for x, y in batches():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def scaled(model, optimizer, criterion):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for x, y in batches():
        optimizer.zero_grad()
        scaler.scale(criterion(model(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()


def accumulated(model, optimizer, criterion):
    for i, (x, y) in enumerate(batches()):
        loss = criterion(model(x), y)
        loss /= 2
        loss.backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()


def clipped(model, optimizer, criterion):
    for x, y in batches():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        optimizer.step()


def with_closures(model, optimizer, criterion):
    for x, y in batches():

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)


def validated(model, optimizer, criterion):
    for x, y in batches():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
        model.eval()
        criterion(model(100 * x), y)
        model.train()


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "Adam": lambda p: torch.optim.Adam(p, 0.01),
    "fused AdamW": lambda p: torch.optim.AdamW(p, 0.01, fused=True),
    "LBFGS": lambda p: torch.optim.LBFGS(p, 0.1, max_iter=3),
}
