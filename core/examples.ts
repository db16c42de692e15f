/** The people and things of the API description's examples: one clinic's day, told in the same words everywhere. */

export const EXAMPLES = {
  doctorId: "01990a4e-7c10-7a52-9d0e-3f6b2c8e4a11",
  patientId: "01990a4f-1b22-7c3d-8e4f-5a6b7c8d9e02",
  clinicId: "01990a4e-7c0f-7d21-b5a7-9c4e1d2f3a06",
  appointmentId: "01990b02-5e31-7f44-a1b2-c3d4e5f60718",
  paymentId: "01990b03-0a12-7b34-9c56-d7e8f9a0b1c2",
  receptionistId: "01990a51-2c33-7d44-8e55-6f7081920a3b",
  uid: "f3Q0xY7kZpM2cV9sT1aB",
  verificationCode: "7GKQ2M4X9C",
  /** A Tuesday's first slot, and what happened around it. */
  start: "2035-03-06T14:00:00.000Z",
  end: "2035-03-06T14:30:00.000Z",
  nextStart: "2035-03-06T14:30:00.000Z",
  nextEnd: "2035-03-06T15:00:00.000Z",
  madeAt: "2035-03-01T09:12:41.318Z",
  changedAt: "2035-03-06T13:52:07.004Z",
  day: "2035-03-06",
  timezone: "America/New_York",
} as const
