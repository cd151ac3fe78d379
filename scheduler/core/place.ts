// Where a node stands: region, zone within it, rack within that. Labels are the operator's; an empty one says nothing.

export interface Labels {
  readonly region: string;
  readonly zone: string;
  readonly rack: string;
}

/** Comparable at once: each key holds the labels above it; empty where the label is. */
export interface Place {
  readonly region: string;
  readonly zone: string;
  readonly rack: string;
  readonly labels: Labels;
}

/** Between labels, so that no two different rows of labels have the same key. Labels with it are refused. */
export const LABEL_SEPARATOR = '\0';

export function placeOf(labels: Labels): Place {
  const { region, zone, rack } = labels;
  return {
    labels,
    region,
    zone: zone && [region, zone].join(LABEL_SEPARATOR),
    rack: rack && [region, zone, rack].join(LABEL_SEPARATOR),
  };
}

export type Distance = 0 | 1 | 2 | 3;

/** 0 same rack, 1 same zone, 2 same region, 3 elsewhere or not known. */
export function distanceBetween(a: Place, b: Place): Distance {
  if (a.rack !== '' && a.rack === b.rack) return 0;
  if (a.zone !== '' && a.zone === b.zone) return 1;
  if (a.region !== '' && a.region === b.region) return 2;
  return 3;
}
