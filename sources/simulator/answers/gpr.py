"""The simulated geopolitical-risk site: a true `.xls` of every calendar day, a day and a half late, and its page."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import xlwt

from sources.simulator.answers.scene import Answer, Ask, Scene, not_found
from sources.simulator.macro import on_every_day, trailing_mean
from sources.simulator.state import DAYS, ORIGIN

HOSTS = ("www.matteoiacoviello.com",)
_HEADINGS = (
    "DAY",
    "N10D",
    "GPRD",
    "GPRD_ACT",
    "GPRD_THREAT",
    "date",
    "GPRD_MA30",
    "GPRD_MA7",
    "event",
    "var_name",
    "var_label",
)
_LABELS = (
    ("DAY", "Day as a number"),
    ("N10D", "Number of articles in ten newspapers"),
    ("GPRD", "Daily index of geopolitical risk"),
    ("GPRD_ACT", "Daily index of acts"),
    ("GPRD_THREAT", "Daily index of threats"),
)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == "/gpr.htm":
        page = "<!DOCTYPE html><html><head><title>Geopolitical Risk Index</title></head><body></body></html>"
        return Answer(200, "text/html", page.encode())
    if ask.path != "/gpr_files/data_gpr_daily_recent.xls":
        return not_found(ask)
    days = np.arange(DAYS)
    risk = 70.0 + 2.6 * on_every_day(scene.state.macro["VIXCLS"]) + 16.0 * np.sin(1.7 * days) - 14.0 * (days % 7 > 4)
    risk = np.round(np.maximum(risk, 12.0), 6)
    swing = 6.0 * np.sin(0.9 * days)
    acts, threats = np.round(0.8 * risk + swing, 6), np.round(1.15 * risk - swing, 6)
    month, week = np.round(trailing_mean(risk, 30), 6), np.round(trailing_mean(risk, 7), 6)
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    as_day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for column, heading in enumerate([*_HEADINGS, "new_field"] if scene.has_new_column else _HEADINGS):
        sheet.write(0, column, heading)
    published = max((scene.now - timedelta(days=1, hours=12) - ORIGIN) // timedelta(days=1), 0)
    for row, (index, day) in enumerate(scene.shown(published), start=1):
        factor = scene.factor(day)
        sheet.write(row, 0, int(f"{day:%Y%m%d}"))
        sheet.write(row, 1, 300 + int(risk[index]))
        for column, values in ((2, risk), (3, acts), (4, threats)):
            sheet.write(row, column, float(values[index]) * factor)
        sheet.write(row, 5, day, as_day)
        sheet.write(row, 6, float(month[index]))
        sheet.write(row, 7, float(week[index]))
        if row <= len(_LABELS):
            sheet.write(row, 9, _LABELS[row - 1][0])
            sheet.write(row, 10, _LABELS[row - 1][1])
        if scene.has_new_column:
            sheet.write(row, len(_HEADINGS), 1)
    content = io.BytesIO()
    book.save(content)
    return Answer(200, "application/vnd.ms-excel", content.getvalue())
