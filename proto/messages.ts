// The messages by short names. Generated code stays behind this file.

import { shoal } from './generated/shoal.js';

export const {
  Certificate,
  SignedCertificate,
  Revocations,
  SignedRevocations,
  Introduction,
  Verdict,
  ChildMessage,
  ParentMessage,
  NodeMessage,
  SchedulerMessage,
  Role,
  Lane: WireLane,
  OpenStatus,
  RefusalReason: WireRefusalReason,
  HostType,
  LeaseFailure: WireLeaseFailure,
  Accusation: WireAccusation,
} = shoal.v1;

export type ChildMessageProperties = shoal.v1.ChildMessage.$Properties;
export type ParentMessageProperties = shoal.v1.ParentMessage.$Properties;
export type NodeMessageProperties = shoal.v1.NodeMessage.$Properties;
export type SchedulerMessageProperties = shoal.v1.SchedulerMessage.$Properties;
export type IntroductionProperties = shoal.v1.Introduction.$Properties;
