"""The mathematics of learning from feedback: functions of arrays that know no framework."""
