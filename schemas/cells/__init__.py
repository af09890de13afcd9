"""Cells: the absolute counts that workers publish to `lgsp.cells` and the cube reads, and the pages
that carry them.

A cell belongs to (family, kind, agency, category, at) within one partition; a figure is the sum
over partitions. `at` is a day (YYYYMMDD), an instant (epoch ms; 0: none) or 0. Its counts are kept
by index: that of a measure among its kind's measures. A kind of stock holds what changed on a
day, also less than nothing: what exists on a day is the sum up to and including it.

A page is what one record holds: all cells of a family and an agency on one day (an instant's day in
the province's zone). Its Kafka key is `family|agency|day`, its value a MessagePack map from
`kind|category` (with `|at` behind it for instants) to a map from index to amount. What is zero is
left out; a page without cells is a tombstone. Single cells would be a record each: of a simulated
million dossiers 2.9 million, where 0.4 million pages hold them.

The kinds are in `kinds`, pages in `pages` and `codec`, how far cells have come in `applied`.
"""
