/** The people one can sign in as in a demo: `uid`s of Firebase accounts, for which `dev` and `token` mint tokens. */
export const demoUid = { patient: "demo-patient", doctor: "demo-doctor", receptionist: "demo-receptionist" } as const

export type DemoPeople = {
  patient: { uid: string }
  doctor: { uid: string; doctorId: string }
  receptionist: { uid: string; clinicId: string }
}
