"""The console's widgets. They know no incident, no screen and no network; importing this package imports none.

========================  =========================================================================================
`pane.Framed`             frame of every pane: `set_title(title, number=)`, `set_lookers(names)`, `set_subtitle(text
                          or runs)`; classes `-bad`, `-active`, `-bare` (no border)
`pane.Pane`               a `Framed` container, active while one of its children has the focus
`chart.MetricChart`       `MetricChart(title, hue="cyan", id=)`, `.show(ChartData(...))`, `.data`
`chart_data`              `ChartData`, `Series`, `Threshold`, `Marker`; times are epoch seconds, state in words
`rows.RowList`            `RowList(title, number=, source=, follow=)`; `.show(source)`, `.sync()`, `.set_filter(f)`,
                          `.select(key)`, `.selected_row`, `.follow_end()`; messages `Highlighted`, `Chosen`
`rows.RowSource`          what a list shows: `len`, `row(i)`, `key(row)`, `height(row, width)`, `render(...)`
`clock.BigClock`          three rows of big digits, `.show(text, colour=)`
`gauges`                  `progress(done, total, width, ...)`, `spark(values, width, ...)`, `phases(...)`: runs of text
`strips.LineBar`          one or more rows of runs given by `.show(rows)` with left and right part
`strips.TabStrip`         `TabStrip([(key, label), ...])`, `.active`, message `TabStrip.Picked`
`strips.HintBar`          key hints: `.show([("n", "note"), ...], right=runs)`; what does not fit is left out
`strips.NoticeStrip`      `.show([Notice("unsent 3", "warn"), ...])`; no notice, no row
`prompt.Prompt`           input with completion and history: `Prompt(complete=callable)`; message `Submitted`
`line`                    runs of text: `justify`, `crop`, `wrap`, `strip`, `safe`
`units`                   values with their unit, nice axes
========================  =========================================================================================

Invariant: each module is imported by whoever needs it, when it is needed.
"""
