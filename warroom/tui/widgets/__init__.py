"""The console's widgets. They know no incident, no screen and no network; importing this package imports none.

========================  =========================================================================================
`pane.Framed`             frame of every pane: `set_title(title, number=)`, `set_lookers(names)`, `set_subtitle(text
                          or runs)`; classes `-bad`, `-active`, `-bare` (no border)
`pane.Pane`               a `Framed` container, active while one of its children has the focus
`chart.MetricChart`       `MetricChart(title, hue="cyan", id=)`, `.show(ChartData(...))`, `.data`
`chart_data`              `ChartData`, `Series`, `Threshold`, `Marker`; times are epoch seconds, state in words
`rows.RowList`            `RowList(title, number=, source=, follow=, empty=)`; `.show(source)`, `.sync()`,
                          `.select(key)`, `.set_filter(f)`, `.set_note(runs)`, `.follow_end()`, `.selected_row`,
                          `.selected_text`, `.unread`; messages `Highlighted`, `Chosen`; class `-bare` inside a `Pane`
`rows.Rows`               a source over a sequence: `Rows(rows, key, render, row_lines)`; protocol `rows.RowSource`
`clock.BigClock`          three rows of big digits, `.show(text, hue=)`
`gauges`                  `progress(done, total, width, ...)`, `spark(values, width, ...)`, `phases(...)`: runs of text
`strips.LineBar`          rows by `.show([(left, right)])`, or by `.paint_with(painter)`: (width, height, palette)
`strips.TabStrip`         `TabStrip([(key, label), ...])`, `.active`, `.mark(key, news)`, message `TabStrip.Picked`
`strips.HintBar`          key hints: `.show([("n", "note"), ...], right=runs)`; what does not fit is left out
`strips.NoticeStrip`      `.show([Notice("unsent 3", "warn"), ...])`; no notice, no row
`prompt.Prompt`           `Prompt(placeholder, complete=callable)`, `.text`, `.focus_input()`; `Submitted`, `Typing`
`line`                    runs of text: `justify`, `crop`, `wrap`, `strip`, `safe`
`units`                   values with their unit, nice axes
========================  =========================================================================================

Invariant: each module is imported by whoever needs it, when it is needed.
"""
